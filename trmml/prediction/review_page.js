"use strict";
// Names come from files and may hold anything: they are only ever set as text.
const data = JSON.parse(document.getElementById("data").textContent);
const find = (id) => document.getElementById(id);
const size = data.items.length;
const WORDS = { yes: "Yes", no: "No", skip: "Skipped" };
let answers = new Array(size).fill(null);
let at = 0;
let saved = "";

function remember() {
  try {
    localStorage.setItem(data.key, JSON.stringify({ answers, at }));
  } catch {
    warn("This browser keeps nothing for this page: save the answers before you close it.");
  }
}

function recall() {
  try {
    const kept = JSON.parse(localStorage.getItem(data.key));
    if (Array.isArray(kept?.answers) && kept.answers.length === size) {
      answers = kept.answers.map((one) => (Object.hasOwn(WORDS, one ?? "") ? one : null));
      at = Math.min(Math.max(Number(kept.at) || 0, 0), size);
    }
  } catch {
    warn("This browser keeps nothing for this page: save the answers before you close it.");
  }
}

function warn(text) {
  find("warning").textContent = text;
  find("warning").hidden = false;
}

function tell(text) {
  find("told").textContent = text;
}

function count(answer) {
  return answers.filter((one) => one === answer).length;
}

function show() {
  const open = count(null);
  find("bar").max = Math.max(size, 1);
  find("bar").value = size - open;
  find("count").textContent = `${size - open} of ${size} answered`;
  find("back").disabled = at === 0;
  find("next").disabled = at >= size;
  find("question").hidden = at >= size;
  find("done").hidden = at < size;
  if (at >= size) {
    find("done-title").textContent = open ? "That was the last one" : "All answered";
    find("totals").textContent =
      `${count("yes")} yes, ${count("no")} no, ${count("skip")} skipped, ${open} not answered`;
    find("merge").textContent = `trmml data merge LABELS.csv ${data.answers} --out NEW.csv`;
    return;
  }
  const item = data.items[at];
  picture(find("picture"), data.pictures[item.picture], `Photograph ${item.image}`);
  picture(find("region"), item.region, `Where the model looks for ${item.class}`);
  find("file-name").textContent = item.image;
  find("class-name").firstElementChild.textContent = item.class;
  find("says").textContent = `The model: ${(100 * item.probability).toFixed(0)} % likely.`;
  const given = answers[at];
  find("given").textContent = given ? `Your answer: ${WORDS[given].toLowerCase()}.` : "";
  for (const button of document.querySelectorAll("[data-answer]")) {
    button.setAttribute("aria-pressed", String(button.dataset.answer === given));
  }
}

function picture(figure, address, words) {
  const image = figure.querySelector("img");
  figure.hidden = !address && figure.id === "region";
  image.hidden = !address;
  image.alt = words;
  if (address) image.src = address;
  else image.removeAttribute("src");
}

function go(place, said = "") {
  at = Math.min(Math.max(place, 0), size);
  remember();
  show();
  // The signs around the name keep its direction of writing from what stands beside it.
  const question =
    at < size
      ? `Question ${at + 1} of ${size}: \u2068${data.items[at].class}\u2069?`
      : "No more questions.";
  tell(said ? `${said}. ${question}` : question);
  if (document.activeElement?.disabled || document.activeElement?.closest("[hidden]")) {
    find(at < size ? "main" : "done-title").focus();
  }
}

function answer(given) {
  if (at >= size) return;
  answers[at] = given;
  go(at + 1, WORDS[given]);
}

function cell(value) {
  const text = String(value);
  return /[",\r\n;\t]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// A file name that is no UTF-8 has its stray bytes as lone surrogates; they are written as bytes.
function bytes(text) {
  const parts = text.split(/([\udc80-\udcff])/u);
  const encoder = new TextEncoder();
  return parts.map((part) =>
    /^[\udc80-\udcff]$/u.test(part)
      ? new Uint8Array([part.charCodeAt(0) - 0xdc00])
      : encoder.encode(part),
  );
}

function sheet() {
  const lines = [data.columns];
  data.items.forEach((item, place) => {
    const given = answers[place];
    const known = given === "yes" || given === "no";
    const label = known ? (given === "yes" ? 1 : -1) : item.label;
    const { image, probability, source } = item;
    lines.push([image, item.class, label, probability, source, known ? "yes" : ""]);
  });
  return "\ufeff" + lines.map((line) => line.map(cell).join(",")).join("\n") + "\n";
}

function save() {
  const address = URL.createObjectURL(new Blob(bytes(sheet()), { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = data.answers;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
  saved = JSON.stringify(answers);
  tell(`${count("yes") + count("no")} answers saved as ${data.answers}.`);
}

function firstOpen() {
  const place = answers.indexOf(null);
  return place < 0 ? size : place;
}

const KEYS = {
  y: () => answer("yes"),
  n: () => answer("no"),
  s: () => answer("skip"),
  " ": () => answer("skip"),
  arrowleft: () => go(at - 1),
  arrowright: () => go(at + 1),
  home: () => go(0),
  end: () => go(firstOpen()),
  "?": () => find("help").showModal(),
};
const MAY_REPEAT = ["arrowleft", "arrowright"];

document.addEventListener("keydown", (event) => {
  const key = event.key.toLowerCase();
  if ((event.ctrlKey || event.metaKey) && !event.altKey && key === "s") {
    event.preventDefault();
    if (!event.repeat) save();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || find("help").open) return;
  if (!Object.hasOwn(KEYS, key) || (event.repeat && !MAY_REPEAT.includes(key))) return;
  if (key === " " && event.target.closest("button")) return; // it presses the button
  event.preventDefault();
  KEYS[key]();
});

for (const button of document.querySelectorAll("[data-answer]")) {
  button.addEventListener("click", (event) => {
    answer(button.dataset.answer);
    // After a click of the mouse, the space bar must skip again.
    if (event.detail && at < size) find("main").focus({ preventScroll: true });
  });
}
find("back").addEventListener("click", () => go(at - 1));
find("next").addEventListener("click", () => go(at + 1));
find("save").addEventListener("click", save);
find("ask-help").addEventListener("click", () => find("help").showModal());
window.addEventListener("beforeunload", (event) => {
  if (count(null) < size && JSON.stringify(answers) !== saved) event.preventDefault();
});

recall();
show();
