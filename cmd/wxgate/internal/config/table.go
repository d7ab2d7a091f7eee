package config

import (
	"strings"
)

// Table gives every variable as the Markdown table that `wxgate env` prints and
// the README holds, in the order of [Config].
func Table() string {
	var b strings.Builder
	b.WriteString("| name | default | meaning |\n| --- | --- | --- |\n")
	for _, v := range variables() {
		name, preset := "`"+v.name+"`", "none"
		if v.secret {
			name += " / `_FILE`"
		}
		switch {
		case v.required != "":
			preset = "required"
		case v.preset != "":
			preset = "`" + v.preset + "`"
		case v.unset != "":
			preset = v.unset
		}
		b.WriteString("| " + name + " | " + preset + " | " + v.meaning + " |\n")
	}
	return b.String()
}
