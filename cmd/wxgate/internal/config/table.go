package config

import "strings"

// Table returns the Markdown table of all variables that `wxgate env` prints and
// the README shows, in the order of [Config], with a row for the variables of several
// sites, and a last one for those of [Tracing].
func Table() string {
	var b strings.Builder
	b.WriteString("| name | default | meaning |\n| --- | --- | --- |\n")
	for _, v := range variables() {
		name, preset := "`"+namePrefix+v.name+"`", "none"
		if v.secret {
			name += " / `_FILE`"
		}
		switch {
		case v.unset != "":
			preset = v.unset
		case v.required:
			preset = "required"
		case v.preset != "":
			preset = "`" + v.preset + "`"
		}
		b.WriteString("| " + name + " | " + preset + " | " + comments()[v.field].meaning + " |\n")
	}
	b.WriteString("| `" + namePrefix + sitesPrefix + "<n>_…` | none | " +
		"several sites in one process, chosen by the request's host: " +
		"WXGATE_SITES_0_HOSTS=a.example.com, WXGATE_SITES_0_APP_ID and so on; " +
		"what a site leaves out it takes from the unnumbered variable |\n" +
		"| `OTEL_EXPORTER_OTLP_ENDPOINT` and the other standard OpenTelemetry names | none | " +
		"tracing is on when set |\n")
	return b.String()
}
