/**
 * Which mail addresses are taken: the rules of the server (`debate_analyzer/mail.py`), so that
 * nobody uploads a recording and hears nothing. The server checks again.
 */
const LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
const ADDRESS = new RegExp(`^[a-zA-Z0-9.!#$%&'*+/=?^_\`{|}~-]{1,64}@(?:${LABEL}\\.)+${LABEL}$`);
const MOST = 254;

export const isMailAddress = (text) => text.length <= MOST && ADDRESS.test(text);
