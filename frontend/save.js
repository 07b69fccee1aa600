/** What leaves the page: as a file, or through the clipboard where the browser lets us. */

export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The browser has its own hold on the blob once the click has been handled.
  setTimeout(() => URL.revokeObjectURL(link.href));
}

/** Whether it was copied; refused without a secure context, a permission or a known type. */
export async function copy(blob) {
  try {
    await navigator.clipboard.write([new ClipboardItem({ [blob.type]: blob })]);
    return true;
  } catch {
    return false;
  }
}
