/** Plays moments one after the other. */

const ASTRAY = 2; // s beside a moment at which somebody has gone elsewhere

/** Returns the function that ends it. `done` is called once, however it ends. */
export function playAll(playback, moments, done) {
  let at = 0;

  function stop() {
    end();
    done();
  }

  const end = playback.time.subscribe((time) => {
    const { start, end: until } = moments[at];
    if (time < start - ASTRAY || time > until + ASTRAY) stop();
    else if (time >= until) {
      at += 1;
      if (at < moments.length) playback.play(moments[at].start, moments[at].end);
      else stop();
    }
  });
  playback.play(moments[0].start, moments[0].end);
  return stop;
}
