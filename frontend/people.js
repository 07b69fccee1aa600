/** The people of published debates, by the names that somebody gave them. */

const sum = (items, value) => items.reduce((total, item) => total + value(item), 0);

/** Whether this is what the diarization calls a voice: another one in every debate. */
export const isLabel = (name) => /^SPEAKER_\d+$/.test(name);

/** `[{debate, person}…]`: the debates in which somebody of this name spoke, the oldest first. */
export function appearances(debates, name) {
  return debates
    .flatMap((debate) => {
      const person = debate.people?.find((each) => each.name === name);
      return person ? [{ debate, person }] : [];
    })
    .sort((a, b) => Date.parse(a.debate.createdAt) - Date.parse(b.debate.createdAt));
}

/** What adds up over debates: `{debates, speakingTime, words, speakingShare, wordsPerMinute}`. */
export function totalsOf(found) {
  const speakingTime = sum(found, ({ person }) => person.speakingTime);
  const words = sum(found, ({ person }) => person.words);
  const everybodys = sum(found, ({ debate }) => debate.speakingTime);
  return {
    debates: found.length,
    speakingTime,
    words,
    speakingShare: everybodys ? speakingTime / everybodys : null,
    wordsPerMinute: speakingTime ? (60 * words) / speakingTime : null,
  };
}

/** Everybody with a name: `[{name, debates, speakingTime, words, last}…]`, in most debates first. */
export function peopleOf(debates) {
  const known = new Map();
  for (const debate of debates) {
    for (const { name, speakingTime, words } of debate.people ?? []) {
      const before = known.get(name) ?? { name, debates: 0, speakingTime: 0, words: 0, last: "" };
      known.set(name, {
        name,
        debates: before.debates + 1,
        speakingTime: before.speakingTime + speakingTime,
        words: before.words + words,
        last: before.last > debate.createdAt ? before.last : debate.createdAt,
      });
    }
  }
  return [...known.values()].sort((a, b) => b.debates - a.debates || b.speakingTime - a.speakingTime);
}
