import { usePart } from "../../hooks.js";
import { readSetting } from "../../settings.js";
import { useStore } from "../../store.js";
import { given, uploads } from "../../uploads.js";
import { html } from "../../view.js";

const isRemembered = () => (readSetting("uploads") ?? "[]") !== "[]";

/** What sends files, and says how far they are, is loaded once there are some. */
export function UploadList() {
  const isWanted = useStore(given).length > 0 || useStore(uploads).length > 0 || isRemembered();
  const UploadRows = usePart("uploads", isWanted);
  return UploadRows && html`<${UploadRows} />`;
}
