package config

import "strings"

// Table gives every variable, and a row for those of several sites, as the
// Markdown table that `wxgate env` prints and the README holds, in the order of
// [Config].
func Table() string {
	var b strings.Builder
	b.WriteString("| name | default | meaning |\n| --- | --- | --- |\n")
	for _, v := range variables() {
		name, preset := "`"+v.name+"`", "none"
		if v.secret {
			name += " / `_FILE`"
		}
		switch {
		case v.unset != "":
			preset = v.unset
		case v.required != "":
			preset = "required"
		case v.preset != "":
			preset = "`" + v.preset + "`"
		}
		b.WriteString("| " + name + " | " + preset + " | " + v.meaning + " |\n")
	}
	b.WriteString("| `" + numberedPrefix + "<n>_…` | none | several sites in one process, told apart by the request's host:" +
		" WXGATE_SITES_0_HOSTS=a.example.com, WXGATE_SITES_0_APP_ID and so on; what a site leaves out it takes from the unnumbered variable |\n")
	return b.String()
}
