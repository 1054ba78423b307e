// Headings of sortable tables become buttons; without this they are tables as any other.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0], headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    heading.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const numeric = heading.classList.contains("n");
      const descending = heading.ariaSort === "ascending" || (numeric && heading.ariaSort === "none");
      const value = (row) => {
        const text = row.cells[column].textContent;
        return numeric ? parseFloat(text) : text;
      };
      const order = (a, b) => {
        const x = value(a), y = value(b);
        if (numeric && (Number.isNaN(x) || Number.isNaN(y))) return Number.isNaN(x) - Number.isNaN(y);
        const sign = numeric ? x - y : x.localeCompare(y);
        return descending ? -sign : sign;
      };
      body.append(...[...body.rows].sort(order));
      for (const other of headings) other.setAttribute("aria-sort", "none");
      heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
    });
  });
}
