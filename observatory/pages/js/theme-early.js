// Not a module, because modules run after the first paint may have happened: a page that is to be dark would
// flash in white. The rest of the theme is in ui/theme.js.
try {
  const chosen = localStorage.getItem('theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
} catch {
  // Storage may be forbidden; then the system's preference it is.
}
