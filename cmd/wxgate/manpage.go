package main

import "strings"

// A manPage writes a manual page: text with the macros of man(7).
type manPage struct{ b strings.Builder }

// String returns the page.
func (m *manPage) String() string { return m.b.String() }

func (m *manPage) title(name, source string) {
	m.b.WriteString(".TH " + name + ` 1 "" "` + roff(source) + `" "wxgate"` + "\n")
	m.b.WriteString(".nh\n.ad l\n") // names of variables are not to be hyphenated
}

func (m *manPage) section(name string) { m.b.WriteString(".SH " + name + "\n") }

func (m *manPage) subsection(name string) { m.b.WriteString(`.SS "` + roff(name) + "\"\n") }

// text writes a paragraph, which is filled anew.
func (m *manPage) text(paragraph string) {
	m.b.WriteString(".PP\n" + roff(strings.Join(strings.Fields(paragraph), " ")) + "\n")
}

// command writes a line of its own in bold.
func (m *manPage) command(line string) {
	m.b.WriteString(`.PP` + "\n" + `\fB` + roff(line) + `\fR` + "\n")
}

// item writes a name, the value that it takes, and what it means.
func (m *manPage) item(name, value, meaning string) {
	m.b.WriteString(".TP\n" + `\fB` + roff(name) + `\fR`)
	if value != "" {
		m.b.WriteString(` \fI` + roff(value) + `\fR`)
	}
	m.b.WriteString("\n" + roff(meaning) + "\n")
}

// example writes lines as they are.
func (m *manPage) example(lines string) {
	m.b.WriteString(".PP\n.RS 4\n.nf\n")
	for line := range strings.SplitSeq(lines, "\n") {
		m.b.WriteString(roff(line) + "\n")
	}
	m.b.WriteString(".fi\n.RE\n")
}

// roff returns text such that man shows it as it is, and such that it can be copied:
// hyphens stay ASCII, and no line is a macro.
func roff(text string) string {
	text = strings.NewReplacer(
		`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, `"`, `\(dq`, "…", `\[u2026]`,
	).Replace(text)
	if strings.HasPrefix(text, ".") {
		return `\&` + text
	}
	return text
}
