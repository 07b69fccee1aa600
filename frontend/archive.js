/** The published debates, as the index lists them: docs/index.md. */
import { getIndex, getIndexFile } from "./api.js";
import { poll } from "./poll.js";
import { useEffect, useMemo, useState } from "./view.js";

const FILES = 5; // read before anybody asks for more: 200 debates, and then 500 each

/**
 * `read()` gives the debates of another file, from the newest on, and none of them twice. One that
 * failed may be tried again. `all`: how many there are; `isWhole`: whether all files are read.
 */
function createReader() {
  const given = new Set();
  let ahead = null; // links to chapters and pages

  const fresh = (debates) => debates.filter(({ jobId }) => !given.has(jobId) && given.add(jobId));

  return {
    all: 0,
    get isWhole() {
      return ahead?.length === 0;
    },
    async read() {
      if (ahead === null) {
        const { jobs = [], chapters = [] } = (await getIndex()) ?? {};
        this.all = chapters.length ? chapters.reduce((sum, link) => sum + link.jobs, 0) : jobs.length;
        ahead = jobs.length < this.all ? chapters : [];
        return fresh(jobs);
      }
      const [link, ...rest] = ahead;
      const { jobs = [], pages = [] } = (await getIndexFile(link)) ?? {};
      ahead = [...pages, ...rest];
      return fresh(jobs);
    },
  };
}

/**
 * `{debates, all, isWhole, reading, error, more}`: some of the published debates, the newest first;
 * `more()` reads on. Null until the first are there.
 */
export function useArchive() {
  const reader = useMemo(createReader, []);
  const [state, setState] = useState({ debates: null, all: 0, isWhole: false });
  const [error, setError] = useState(null);
  const [wanted, setWanted] = useState(FILES);
  const [files, setFiles] = useState(0);

  useEffect(() => {
    let count = files;
    let { debates } = state;
    let leaving = false;
    const reading = poll(
      async () => {
        const found = await reader.read();
        if (leaving) return null;
        count += 1;
        debates = [...(debates ?? []), ...found];
        setFiles(count);
        setState({ debates, all: reader.all, isWhole: reader.isWhole });
        return reader.isWhole || count >= wanted ? null : 0;
      },
      { onError: (problem) => problem.transient || setError(problem) },
    );
    return () => {
      leaving = true;
      reading.stop();
    };
  }, [wanted]);

  const reading = !error && !state.isWhole && files < wanted;
  return { ...state, error, reading, more: () => setWanted(files + FILES) };
}
