"use strict";
// Sorting, filtering, switching language and theme: all else works without this script.
(() => {
  const root = document.documentElement;
  root.dataset.script = "";
  // A page from a file share has no storage in some browsers: then a choice lasts until it is closed.
  const keep = (name, value) => { try { localStorage.setItem(name, value); } catch { /* nothing to do */ } };
  const kept = (name) => { try { return localStorage.getItem(name); } catch { return null; } };
  const asked = new URLSearchParams(location.search);
  const press = (group, value) => group.forEach((button) => button.setAttribute("aria-pressed", String(button.value === value)));

  const languages = [...document.querySelectorAll("[data-control=language] button")];
  const speak = (language) => {
    root.dataset.language = language;
    root.lang = language === "zh" ? "zh-CN" : "en";
    press(languages, language);
  };
  languages.forEach((button) => button.addEventListener("click", () => { speak(button.value); keep("omgate-language", button.value); }));
  const wanted = asked.get("lang") || kept("omgate-language") || (navigator.language || "").slice(0, 2);
  speak(wanted === "zh" ? "zh" : "en");

  const themes = [...document.querySelectorAll("[data-control=theme] button")];
  const paint = (theme) => {
    if (theme === "auto") delete root.dataset.theme; else root.dataset.theme = theme;
    press(themes, theme);
  };
  themes.forEach((button) => button.addEventListener("click", () => { paint(button.value); keep("omgate-theme", button.value); }));
  const theme = asked.get("theme") || kept("omgate-theme");
  paint(theme === "light" || theme === "dark" ? theme : "auto");

  document.querySelectorAll("[data-control]").forEach((control) => { control.hidden = false; });

  const order = (row, column) => {
    const text = row.cells[column].dataset.order;
    const number = Number(text === "inf" ? Infinity : text);
    return text !== "" && !Number.isNaN(number) ? number : text;
  };
  const compare = (a, b) => typeof a === "number" && typeof b === "number" ? (a === b ? 0 : a - b)
    : String(a).localeCompare(String(b), undefined, { numeric: true });
  const sort = (table, column, direction) => {
    const body = table.tBodies[0];
    const rows = [...body.rows].filter((row) => !row.classList.contains("total"));
    const keyed = rows.map((row) => [order(row, column), row]);
    // What is not known stays last in either direction.
    keyed.sort(([a], [b]) => a === Infinity || b === Infinity ? compare(a, b) : direction * compare(a, b));
    body.prepend(...keyed.map(([, row]) => row));
  };
  document.querySelectorAll("table[data-sortable]").forEach((table) => {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        [...head.parentNode.cells].forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        sort(table, column, up ? 1 : -1);
      });
    });
  });

  const filters = [...document.querySelectorAll("[data-control=filter] button")];
  filters.forEach((button) => button.addEventListener("click", () => {
    press(filters, button.value);
    document.querySelectorAll("[data-status]").forEach((row) => {
      row.hidden = button.value !== "all" && row.dataset.status !== button.value;
    });
  }));

  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => { part.open = true; }));
})();
