/** What only those need who edit a transcript: loaded when somebody begins to. */
export { EditHistory } from "../edit-history/edit-history.js";
export { SegmentEditor } from "../segment-editor/segment-editor.js";
