#!/usr/bin/env bash
# What gpu.yaml needs in an AWS account, made once: `aws.sh BUCKET [REGION]`. Nothing of it costs while it is empty.
#
# A private bucket; a security group that SSH from this machine's address alone may enter, and its members each other;
# a role of the head, which starts and ends the cluster's machines, and one of the workers; both may use that bucket.
set -euo pipefail
bucket=$1 region=${2:-us-west-2} name=snn_tune
export AWS_DEFAULT_REGION=$region AWS_PAGER=''

place=()
if [[ $region != us-east-1 ]]; then place=(--create-bucket-configuration "LocationConstraint=$region"); fi
aws s3api create-bucket --bucket "$bucket" "${place[@]}" >/dev/null
aws s3api put-public-access-block --bucket "$bucket" --public-access-block-configuration \
  BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true

mine=${MY_ADDRESS:-$(curl -fsS https://checkip.amazonaws.com)}
group=$(aws ec2 create-security-group --group-name $name --description "$name" --query GroupId --output text)
aws ec2 authorize-security-group-ingress --group-id "$group" --protocol tcp --port 22 --cidr "$mine/32" >/dev/null
aws ec2 authorize-security-group-ingress --group-id "$group" --protocol -1 --source-group "$group" >/dev/null

account=$(aws sts get-caller-identity --query Account --output text)
trust='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
  "Principal": {"Service": "ec2.amazonaws.com"}}]}'
storage='{"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject",
  "s3:AbortMultipartUpload"], "Resource": ["arn:aws:s3:::'$bucket'", "arn:aws:s3:::'$bucket'/*"]}'
machines='{"Effect": "Allow", "Resource": "*", "Action": ["ec2:Describe*", "ec2:RunInstances", "ec2:CreateTags",
    "ssm:GetParameters"], "Condition": {"StringEquals": {"aws:RequestedRegion": "'$region'"}}},
  {"Effect": "Allow", "Resource": "*", "Action": ["ec2:TerminateInstances", "ec2:StopInstances"],
    "Condition": {"StringEquals": {"ec2:ResourceTag/ray-cluster-name": "'$name'"}}},
  {"Effect": "Allow", "Resource": "arn:aws:iam::'$account':role/'${name}_worker'", "Action": "iam:PassRole"}'
for part in head worker; do
  may=$storage
  if [[ $part == head ]]; then may="$storage, $machines"; fi
  aws iam create-role --role-name ${name}_$part --assume-role-policy-document "$trust" >/dev/null
  aws iam put-role-policy --role-name ${name}_$part --policy-name $name \
    --policy-document '{"Version": "2012-10-17", "Statement": ['"$may"']}'
  aws iam create-instance-profile --instance-profile-name ${name}_$part >/dev/null
  aws iam add-role-to-instance-profile --instance-profile-name ${name}_$part --role-name ${name}_$part
done
echo "for cluster/gpu.yaml: region $region, SecurityGroupIds [$group], storage s3://$bucket/$name"
