/** Comma-separated values (RFC 4180), as every spreadsheet reads them. */

// What a spreadsheet takes for a formula: an apostrophe before it makes it text, as OWASP advises.
const FORMULA = /^'*[=+\-@\t\r\n＝＋－＠]/;

function cell(value) {
  if (value == null) return "";
  if (typeof value === "number") return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export const csv = (rows) => rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
