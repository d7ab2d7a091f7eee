package pages

import template "github.com/DataDog/datadog-agent/pkg/template/html"

// copyScript shows the button that copies the address on the page into another
// app; the button is hidden if no script runs. The script selects the address
// and copies the selection, since the clipboard API works over HTTPS only.
const copyScript template.JS = `
const button = document.getElementById("copy");
button.hidden = false;
button.onclick = () => {
  getSelection().selectAllChildren(document.getElementById("address"));
  if (document.execCommand("copy")) button.textContent = button.dataset.done;
};
`
