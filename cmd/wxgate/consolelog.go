package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/rs/zerolog"
	"golang.org/x/term"
)

// newConsole returns a writer that turns lines of the JSON log into lines for people,
// with colours if w is a terminal:
//
//	10:24:56 GET /cart 302 login 0.2ms client_ip=192.0.2.1 …
//	10:24:57 WRN follow check failed error="…"
//
// What it writes has no control characters: the path of a request is a stranger's text,
// which could otherwise send commands to the terminal.
func newConsole(w io.Writer, environ []string) io.Writer {
	c := colours(hasColours(w, environ))
	return zerolog.ConsoleWriter{
		Out: w, NoColor: !bool(c), TimeFormat: "15:04:05",
		FormatPrepare:    c.prepare,
		FormatLevel:      c.level,
		FormatMessage:    c.message,
		FormatFieldValue: func(value any) string { return printable(fmt.Sprintf("%s", value)) },
	}
}

// hasColours reports whether colours may be written to w: to a terminal that knows them,
// unless NO_COLOR is set and not empty (https://no-color.org).
func hasColours(w io.Writer, environ []string) bool {
	file, ok := w.(*os.File)
	unwanted := slices.ContainsFunc(environ, func(entry string) bool {
		name, value, _ := strings.Cut(entry, "=")
		return name == "NO_COLOR" && value != "" || entry == "TERM=dumb"
	})
	return ok && !unwanted && term.IsTerminal(int(file.Fd()))
}

// colours formats the parts of a line, with colours or without.
type colours bool

// in returns text in a colour of ANSI.
func (c colours) in(colour int, text string) string {
	if !c {
		return text
	}
	return "\x1b[" + strconv.Itoa(colour) + "m" + text + "\x1b[0m"
}

// ANSI's colours.
const (
	bold   = 1
	red    = 31
	green  = 32
	yellow = 33
)

// A requestText is the message of an access line.
type requestText string

// prepare makes a message of the fields of an access line that say what happened. Its
// level, which is always the same, is left out.
func (c colours) prepare(event map[string]any) error {
	if event[zerolog.MessageFieldName] != "request" || event["path"] == nil {
		return nil
	}
	var texts []string
	for _, name := range []string{"method", "path", "status", "outcome", "duration_ms"} {
		switch value := event[name].(type) {
		case string:
			texts = append(texts, word(value))
		case json.Number:
			n, _ := value.Float64()
			texts = append(texts, c.number(name, n))
		}
		delete(event, name)
	}
	delete(event, zerolog.LevelFieldName)
	event[zerolog.MessageFieldName] = requestText(strings.Join(texts, " "))
	return nil
}

// number returns the status or the duration of a request.
func (c colours) number(name string, n float64) string {
	switch {
	case name == "duration_ms" && n < 10:
		return fmt.Sprintf("%.1fms", n)
	case name == "duration_ms" && n < 1000:
		return fmt.Sprintf("%.0fms", n)
	case name == "duration_ms":
		return fmt.Sprintf("%.1fs", n/1000)
	}
	text := strconv.Itoa(int(n))
	switch {
	case n >= 500:
		return c.in(red, text)
	case n >= 400:
		return c.in(yellow, text)
	}
	return c.in(green, text)
}

// level returns the level of a line in three letters; nothing for an access line.
func (c colours) level(value any) string {
	text, ok := value.(string)
	if !ok {
		return ""
	}
	level, err := zerolog.ParseLevel(text)
	if err != nil {
		return word(text)
	}
	return c.in(zerolog.LevelColors[level], zerolog.FormattedLevels[level])
}

func (c colours) message(value any) string {
	if text, ok := value.(requestText); ok {
		return string(text)
	}
	text, _ := value.(string)
	return c.in(bold, printable(text))
}

// word returns text as one word: in quotes if it has spaces, quotes or what cannot be
// printed.
func word(text string) string {
	if text == "" || strings.ContainsAny(text, " \"") || printable(text) != text {
		return strconv.Quote(text)
	}
	return text
}

// printable returns text with escapes in the place of what cannot be printed.
func printable(text string) string {
	text = strings.ToValidUTF8(text, string(unicode.ReplacementChar))
	if strings.IndexFunc(text, func(c rune) bool { return !unicode.IsPrint(c) }) < 0 {
		return text
	}
	var b strings.Builder
	for _, c := range text {
		if unicode.IsPrint(c) {
			b.WriteRune(c)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(c), "'"))
		}
	}
	return b.String()
}
