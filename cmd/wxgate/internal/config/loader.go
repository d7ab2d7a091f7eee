package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// A loader reads the unnumbered variables, or those of one site, into a
// [Config]. The keys of its maps are the names of the env tags, such as APP_ID;
// in given, _FILE may follow.
type loader struct {
	prefix  string            // of the names that it reads: WXGATE_ or WXGATE_SITES_0_
	given   map[string]string // the variables that are set
	sources map[string]source // the names that set the values, shared ones included
	values  map[string]string // the values to parse
	faults  map[string]Fault
}

// A source is the setting that gave a variable its value.
type source struct {
	name  string // as it was set
	shown string // the value as a message may show it; empty for a secret
	file  string // of a secret; empty: it is in the environment
}

func newLoader(prefix string, given map[string]string) *loader {
	return &loader{
		prefix:  prefix,
		given:   given,
		sources: make(map[string]source),
		values:  make(map[string]string), // never nil, see parse
		faults:  make(map[string]Fault),
	}
}

// read returns a configuration with the values of the wanted variables and the
// defaults of the others.
func (l *loader) read(known, wanted []variable) *Config {
	c := &Config{sources: l.sources}
	for _, v := range wanted {
		l.take(v)
	}
	l.parse(c, known, "envDefault")
	if value, ok := l.given["ADMIN_LISTEN"]; ok && value == "" {
		c.AdminListen = "" // package env sets the default instead
	}
	l.checkValues(c)
	return c
}

// take finds the value of one variable. If the variable is not set, it keeps
// the value that it had.
func (l *loader) take(v variable) {
	if !slices.ContainsFunc(v.names, func(name string) bool { return l.given[name] != "" }) {
		return
	}
	var err error
	value, from := l.given[v.name], source{name: l.fullName(v.name)}
	if v.secret {
		value, from, err = l.secret(v.name)
	} else {
		from.shown = quote(value)
	}
	if value == "" && err == nil {
		return // a secret of spaces alone
	}
	if err == nil {
		err = checkWrapping(value)
	}
	delete(l.faults, v.name) // of the shared value that this one replaces
	l.sources[v.name] = from
	switch {
	case err != nil:
		l.fault(v.name, err.Error())
	case v.oneOf != nil && !slices.Contains(v.oneOf, value):
		l.fault(v.name, "expected "+strings.Join(v.oneOf, " or "))
	default:
		l.values[v.name] = value
	}
}

// secret finds the value of a secret, in the environment or in a file, and the
// setting that gave it. The setting shows the path only if the file cannot be read, and
// the path cannot be the secret itself, see shownPath. The file option of
// package env is no use here: it repeats the path, and a variable that has it
// never holds the value itself.
func (l *loader) secret(name string) (value string, from source, err error) {
	from.name = l.fullName(name)
	value, path := strings.TrimSpace(l.given[name]), l.given[name+"_FILE"]
	if path == "" {
		return value, from, nil
	}
	if value != "" {
		return "", from, fmt.Errorf("set as %s_FILE too; keep one of the two", from.name)
	}
	from.name, from.file = from.name+"_FILE", path
	if err := checkWrapping(path); err != nil {
		return "", from, err
	}
	text, err := readFile(path)
	if err != nil {
		var hidden string
		from.shown, hidden = shownPath(path)
		return "", from, fmt.Errorf("expected the path of a readable file: %w%s", err, hidden)
	}
	if value = strings.TrimSpace(string(text)); value == "" {
		return "", from, errors.New("the file is empty")
	}
	return value, from, nil
}

// parse sets the fields whose values were taken, and every other field to the
// default in its tag called presets. A value that does not parse is a fault and
// leaves its field unchanged.
func (l *loader) parse(c *Config, known []variable, presets string) {
	err := env.ParseWithOptions(c, env.Options{
		Environment:         l.values, // nil would mean the environment of the process
		DefaultValueTagName: presets,
		FuncMap: map[reflect.Type]env.ParserFunc{
			reflect.TypeFor[time.Duration](): parseDuration,
			reflect.TypeFor[bool]():          parseBool,
		},
	})
	all, ok := errors.AsType[env.AggregateError](err)
	if !ok {
		return
	}
	for _, err := range all.Errors {
		e, ok := errors.AsType[env.ParseError](err)
		if !ok {
			panic(fmt.Sprintf("config: wrong tags: %v", err))
		}
		// Package env names the field; a message must name the variable.
		i := slices.IndexFunc(known, func(v variable) bool { return v.field == e.Name })
		l.fault(known[i].name, e.Err.Error())
	}
}

// parseDuration parses a duration that is not negative.
func parseDuration(text string) (any, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return nil, errors.New("expected a duration with its unit, such as 90s, 5m or 24h")
	}
	if d < 0 {
		return nil, errors.New("expected a duration that is not negative")
	}
	return d, nil
}

func parseBool(text string) (any, error) {
	b, err := strconv.ParseBool(text)
	if err != nil {
		return nil, errors.New("expected true or false")
	}
	return b, nil
}
