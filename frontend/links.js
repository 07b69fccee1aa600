/**
 * Debates that somebody has a share link to, and nothing else of: the page knows them by `share:`
 * and the link's id in place of their own.
 */
const PREFIX = "share:";

export const linked = (link) => PREFIX + link;

/** The id of the link, or null for a debate that is known by its own. */
export const linkOf = (jobId) => (jobId.startsWith(PREFIX) ? jobId.slice(PREFIX.length) : null);
