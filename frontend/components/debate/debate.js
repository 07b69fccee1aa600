import { getStatistics, getTranscript } from "../../api.js";
import { allEntries, createEditDesk } from "../../edit-desk.js";
import { revise, speakersOf } from "../../edits.js";
import { useSame, useTick } from "../../hooks.js";
import { t } from "../../i18n/index.js";
import { hasTranscript, hasVideo, isEnded, stageOf } from "../../jobs.js";
import { linkOf } from "../../links.js";
import { createPlayback } from "../../playback.js";
import { useResource } from "../../poll.js";
import { useRecount } from "../../recount.js";
import { hasFollowed, rememberMoment } from "../../router.js";
import { chooseLook, chosenLooks, givenNames, looks, tellingNames, withNames } from "../../speakers.js";
import { named } from "../../statistics.js";
import { useStore } from "../../store.js";
import { html, useEffect, useLayoutEffect, useMemo, useState } from "../../view.js";
import { FeedbackMark } from "../feedback/feedback.js";
import { Figures } from "../figures/figures.js";
import { JobFacts } from "../job-facts/job-facts.js";
import { Lanes } from "../lanes/lanes.js";
import { Notice } from "../notice/notice.js";
import { PageHeading } from "../page-heading/page-heading.js";
import { Player } from "../player/player.js";
import { Shortcuts } from "../shortcuts/shortcuts.js";
import { SpeakerPatterns } from "../speaker-mark/speaker-mark.js";
import { Stages } from "../stages/stages.js";
import { Transcript } from "../transcript/transcript.js";
import { Warnings } from "../warnings/warnings.js";

/** Whose figures are there from before while they are counted again. */
const hasFigures = (job) => job.status === "COMPLETE" || Boolean(job.data_url && hasTranscript(job));

/** The transcript as the edits have it, and who is who in it. */
function read(said, edits, statistics, chosen, original) {
  const { document, etag } = said;
  const revision = revise(document, original ? [] : allEntries(edits, etag), etag);
  const { cast, agreed } = revision;
  const everybody = speakersOf(document);
  const labels = everybody.filter((label) => !cast.merged.has(label));
  const counted = (statistics?.speakers ?? []).map((row) => row.speaker);
  // Where the server does not tell what people said, the figures know at least their names.
  const before = edits.log || original ? [] : givenNames(statistics);
  const names = tellingNames([...labels, ...counted], new Map([...before, ...cast.names]));
  const look = new Map([...looks([...everybody, ...counted]), ...Object.entries(chosen)]);
  return { revision, people: { cast, agreed, labels, names, look } };
}

const heardIn = ({ turns, transcription }) => (turns.length ? turns : transcription);

const isSameList = (one, other) =>
  one.length === other.length &&
  one.every((item, n) => ["speaker", "start", "end"].every((field) => item[field] === other[n][field]));

/** What the charts draw: everybody by name. */
function byName({ revision, people: { names, look } }) {
  const { transcript } = revision;
  return {
    transcript: {
      ...transcript,
      transcription: withNames(transcript.transcription, names),
      turns: withNames(transcript.turns, names),
    },
    look: new Map([...look].map(([label, number]) => [names.get(label) ?? label, number])),
  };
}

/** One debate: its progress until it is complete, then recording, transcript and figures. */
export function Debate({ job: told, time, end }) {
  const id = told.job_id;
  const [arrivals, setArrivals] = useState(0);
  const { job, counting } = useRecount(told, arrivals);
  const readable = hasTranscript(job);
  const video = hasVideo(job);
  const complete = job.status === "COMPLETE";
  const desk = useMemo(() => createEditDesk(id, { onArrival: () => setArrivals((count) => count + 1) }), [id]);
  const edits = useStore(desk.state);
  const [original, setOriginal] = useState(false);
  const [chosen, setChosen] = useState(() => chosenLooks(id));
  const { data: said, error: transcriptError } = useResource(() => getTranscript(id), readable ? id : null);
  const { data: counted, error: statisticsError } = useResource(
    // At the edge there may still be those from before the edits that were made here.
    () => getStatistics({ ...job, published: job.published && !arrivals }),
    hasFigures(job) ? `${id} ${complete ? job.completed_at : ""}` : null,
  );
  const playback = useMemo(createPlayback, [id]);
  useTick(!isEnded(job));

  const isKnown = said && edits.phase !== "loading";
  const reading = useMemo(
    () => (isKnown ? read(said, edits, counted, chosen, original) : null),
    [isKnown, said, edits.log, edits.unsent, counted, chosen, original],
  );
  const names = reading?.people.names ?? givenNames(counted);
  const called = JSON.stringify([...names]);
  // Charts are drawn anew where who speaks when or what they are called has changed: not for a word.
  const heard = useSame(reading && heardIn(reading.revision.transcript), isSameList);
  const { transcript, look } = useMemo(() => (reading ? byName(reading) : {}), [heard, called, chosen, counted]);
  const statistics = useMemo(() => counted && named(counted, names), [counted, called]);
  const recounting = Boolean(counted) && (counting || (stageOf(job) === "stats" && !isEnded(job)));

  useLayoutEffect(() => (readable ? desk.open() : undefined), [desk, readable]);

  useEffect(() => {
    if (time !== null) playback.seek(time, { end, play: hasFollowed() });
  }, [playback, time, end]);

  function onLook(label, number) {
    chooseLook(id, label, number);
    setChosen(chosenLooks(id));
  }

  /** Every link to a moment or clip of this debate plays it here; opened elsewhere, it is an address. */
  function onClick(event) {
    const link = event.target.closest("a[data-moment]");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    const start = Number(link.dataset.moment);
    const until = link.dataset.end === undefined ? null : Number(link.dataset.end);
    playback.play(start, until);
    // The transcript stands beside the recording; from further down it may be out of sight.
    if (!link.closest(".transcript")) playback.show();
    rememberMoment(id, start, until);
  }

  return html`<article class="debate" onClick=${onClick}>
    <${SpeakerPatterns} />
    <header class="debate-header">
      <${PageHeading}><bdi>${job.title || job.filename}</bdi><//>
      <${JobFacts} job=${job} />
    </header>
    ${!complete && !recounting && html`<${Stages} job=${job} />`}
    <${Warnings} jobId=${id} warnings=${counted?.warnings ?? said?.document.warnings ?? []} />
    ${(video || readable) &&
    html`<div class=${readable ? "workbench" : "workbench workbench-alone"}>
      <div class="workbench-recording">
        ${video && html`<${Player} job=${job} playback=${playback} />`}
        ${readable && html`<${Shortcuts} playback=${playback} />`}
        ${transcript &&
        html`<${Lanes}
          jobId=${id}
          transcript=${transcript}
          statistics=${statistics}
          look=${look}
          playback=${playback}
        />`}
      </div>
      ${reading &&
      html`<${Transcript}
        jobId=${id}
        said=${said.document}
        revision=${reading.revision}
        people=${reading.people}
        desk=${desk}
        time=${time}
        end=${end}
        playback=${playback}
        original=${original}
        onOriginal=${setOriginal}
        onLook=${onLook}
      />`}
      ${readable && !transcript && !transcriptError && html`<p class="fine">${t("transcript.loading")}</p>`}
      ${transcriptError && html`<${Notice} kind="error" title=${t("transcript.failed")} />`}
    </div>`}
    ${complete && !statistics && !statisticsError && html`<p class="fine">${t("figures.loading")}</p>`}
    ${statisticsError && html`<${Notice} kind="error" title=${t("figures.failed")} />`}
    ${recounting && html`<p class="fine" role="status">${t("figures.recounting")}</p>`}
    ${statistics &&
    transcript &&
    html`<${Figures}
      job=${job}
      transcript=${transcript}
      statistics=${statistics}
      look=${look}
      playback=${playback}
    />`}
    ${statistics && (transcript || transcriptError) && !linkOf(id) && html`<${FeedbackMark} jobId=${id} />`}
  </article>`;
}
