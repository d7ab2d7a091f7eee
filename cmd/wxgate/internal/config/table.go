package config

import "strings"

// A Variable is an environment variable as `wxgate env` and `wxgate man` describe it.
type Variable struct {
	Name    string // WXGATE_APP_ID
	Secret  bool   // Name_FILE may name a file with the value
	Default string // the default, or "required", "none" and the like
	Preset  bool   // Default is a value
	Meaning string
}

// Reference returns all variables in the order of [Config], then one for those of several
// sites, and a last one for those of [Tracing].
func Reference() []Variable {
	var list []Variable
	for _, v := range variables() {
		shown := Variable{
			Name: namePrefix + v.name, Secret: v.secret, Default: "none", Meaning: comments()[v.field].meaning,
		}
		switch {
		case v.unset != "":
			shown.Default = v.unset
		case v.required:
			shown.Default = "required"
		case v.preset != "":
			shown.Default, shown.Preset = v.preset, true
		}
		list = append(list, shown)
	}
	return append(list, Variable{
		Name: namePrefix + sitesPrefix + "<n>_…", Default: "none",
		Meaning: "several sites in one process, chosen by the request's host: " +
			"WXGATE_SITES_0_HOSTS=a.example.com, WXGATE_SITES_0_APP_ID and so on; " +
			"what a site leaves out it takes from the unnumbered variable",
	}, Variable{
		Name: "OTEL_EXPORTER_OTLP_ENDPOINT", Default: "none",
		Meaning: "tracing is on when set",
	})
}

// Table returns the Markdown table of the [Reference] that `wxgate env` prints and the
// README shows.
func Table() string {
	var b strings.Builder
	b.WriteString("| name | default | meaning |\n| --- | --- | --- |\n")
	for _, v := range Reference() {
		name, preset := "`"+v.Name+"`", v.Default
		if v.Secret {
			name += " / `_FILE`"
		}
		if !strings.HasPrefix(v.Name, namePrefix) {
			name += " and the other standard OpenTelemetry names"
		}
		if v.Preset {
			preset = "`" + preset + "`"
		}
		b.WriteString("| " + name + " | " + preset + " | " + v.Meaning + " |\n")
	}
	return b.String()
}
