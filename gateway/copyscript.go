package gateway

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
)

// copyScript shows the button that copies the address on the page for other
// browsers, which is hidden where no script runs. It marks the address and
// copies what is marked: the clipboard proper is for https alone.
const copyScript template.JS = `
const button = document.getElementById("copy");
button.hidden = false;
button.onclick = () => {
  getSelection().selectAllChildren(document.getElementById("address"));
  if (document.execCommand("copy")) button.textContent = button.dataset.done;
};
`

// scriptSource is the Content-Security-Policy source that lets one inline
// script through.
func scriptSource(script string) string {
	sum := sha256.Sum256([]byte(script))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
