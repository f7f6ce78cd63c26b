// The policy in force, and a form that changes it. The token stays in its field, and goes when the page goes.

import { byId, element, setText } from "./dom.js";

let kinds = [];
let inForce = null;
let edited = false;

export function policy() {
  const form = byId("policy-form");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    change();
  });
  form.addEventListener("input", (event) => {
    if (event.target !== byId("policy-token")) edited = true;
  });
  byId("policy-name").addEventListener("change", () => fields(defaults()));
  byId("policy-reset").addEventListener("click", () => {
    if (inForce) show(inForce);
    result("", "");
  });
  read();
  return {
    snapshot({ policy }) {
      setText(byId("policy-now"), policy.full_name);
      byId("policy-token-label").hidden = !policy.needs_token;
      const help = policy.needs_token
        ? "With the role configure. It is kept in this page only, and forgotten when you leave it."
        : "No token is configured: only a browser on the node's own machine may change the policy, unless the node is open.";
      setText(byId("policy-token-help"), help);
      const changed = JSON.stringify(policy) !== JSON.stringify(inForce);
      inForce = policy;
      if (changed && !edited && kinds.length > 0) show(policy);
    },
  };
}

async function read() {
  try {
    const answer = await fetch("dashboard/policies");
    if (!answer.ok) throw new Error(`${answer.status}`);
    kinds = await answer.json();
  } catch (error) {
    result("error", `The list of policies cannot be read (${error.message}). Reload the page to try again.`);
    return;
  }
  byId("policy-name").replaceChildren(...kinds.map(({ name }) => element("option", { value: name }, name)));
  if (inForce) show(inForce);
  else fields(defaults());
}

function kind() {
  return kinds.find(({ name }) => name === byId("policy-name").value);
}

/** Values by name: the defaults of the kind that is chosen. */
function defaults() {
  return new Map(kind()?.parameters.map(({ name, default: value }) => [name, value]));
}

/** Fills the form with a policy: positional parameters first, options by name behind them. */
function show(policy) {
  byId("policy-name").value = policy.name;
  const values = defaults();
  const positional = kind()?.parameters ?? [];
  policy.parameters.forEach((value, place) => {
    if (place < positional.length) return values.set(positional[place].name, value);
    const [name, ...rest] = value.split("=");
    return values.set(name, rest.join("="));
  });
  fields(values);
  edited = false;
}

function fields(values) {
  const chosen = kind();
  const field = (option) => (described, place) => {
    const id = `policy-field-${option ? "option" : "parameter"}-${place}`;
    const input = element("input", {
      id, name: described.name, autocomplete: "off", spellcheck: "false", "aria-describedby": `${id}-help`,
      placeholder: option ? described.default : null, required: !option,
    });
    input.value = values.get(described.name) ?? "";
    const label = element("label", { for: id }, described.name.replaceAll("_", " "), input);
    return element("div", {}, label, element("p", { id: `${id}-help`, class: "help" }, described.meaning));
  };
  const all = chosen ? [...chosen.parameters.map(field(false)), ...chosen.options.map(field(true))] : [];
  byId("policy-parameters").replaceChildren(...all);
}

function descriptor() {
  const { name, parameters, options } = kind();
  const value = (described) => byId("policy-parameters").querySelector(`[name="${described.name}"]`).value.trim();
  const given = options.map((option) => [option.name, value(option)]).filter(([, text]) => text !== "");
  return { name, parameters: [...parameters.map(value), ...given.map(([option, text]) => `${option}=${text}`)] };
}

async function change() {
  if (!kind()) return;
  const submit = byId("policy-submit");
  const token = byId("policy-token").value.trim();
  const headers = { "Content-Type": "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  const wanted = descriptor();
  submit.disabled = true;
  result("", "Changing …");
  try {
    const body = JSON.stringify(wanted);
    const answer = await fetch("configuration/scheduler", { method: "POST", headers, body });
    if (answer.ok) {
      edited = false;
      result("done", `Changed to ${wanted.name}${wanted.parameters.length ? ` (${wanted.parameters.join(", ")})` : ""}.`);
    } else result("error", `Not changed (${answer.status}): ${await reason(answer)}`);
  } catch (error) {
    result("error", `Not changed: the node cannot be reached (${error.message}).`);
  } finally {
    submit.disabled = false;
  }
}

/** What the node says; its errors are `{code, message}`, or a line of text. */
async function reason(answer) {
  const text = await answer.text();
  try {
    return JSON.parse(text).message;
  } catch {
    return text.trim() || answer.statusText;
  }
}

function result(state, text) {
  const place = byId("policy-result");
  place.dataset.state = state;
  setText(place, text);
}
