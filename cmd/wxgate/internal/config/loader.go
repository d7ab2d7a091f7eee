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

// A loader carries the unnumbered variables, or those of one site, on their way
// to a [Config]. Its maps go by the unnumbered name of the variable without
// _FILE, but for given, where that may stand behind it.
type loader struct {
	prefix  string            // what the names that it reads begin with
	given   map[string]string // what was set
	sources map[string]source // where the values come from
	values  map[string]string // what is left to parse
	faults  map[string]Fault
}

// A source is what gave a variable its value.
type source struct {
	name  string // the name that was set
	shown string // its value as a message may show it; empty for a secret
}

func newLoader(prefix string, given map[string]string) *loader {
	return &loader{
		prefix:  prefix,
		given:   given,
		sources: make(map[string]source),
		values:  make(map[string]string), // never nil: see parse
		faults:  make(map[string]Fault),
	}
}

// read makes a configuration of the wanted variables, and of the defaults of
// the others.
func (l *loader) read(known, wanted []variable) *Config {
	c := new(Config)
	for _, v := range wanted {
		l.take(v)
	}
	l.parse(c, known, "envDefault")
	if value, ok := l.given["WXGATE_ADMIN_LISTEN"]; ok && value == "" {
		c.AdminListen = "" // the library would give it its default
	}
	l.validateValues(c)
	return c
}

// spell gives the name by which this loader reads a variable.
func (l *loader) spell(name string) string {
	return l.prefix + strings.TrimPrefix(name, unnumberedPrefix)
}

// gives reports whether this loader's own names set the variable.
func (l *loader) gives(name string) bool {
	return strings.HasPrefix(l.sources[name].name, l.prefix)
}

// name gives the name that messages have for a variable: the one that set it.
// An unset one has the site's name where the site set one of those beside it,
// which are why it is spoken of.
func (l *loader) name(name string, beside ...string) string {
	if s, ok := l.sources[name]; ok {
		return s.name
	}
	if slices.ContainsFunc(beside, l.gives) {
		return l.spell(name)
	}
	return name
}

// fault notes what is wrong with a variable, or with it and those beside it.
// Only the first fault counts: a second one would speak of a value that is not
// there.
func (l *loader) fault(name, problem string, beside ...string) {
	if l.sound(name) {
		l.faults[name] = Fault{Name: l.name(name, beside...), Given: l.sources[name].shown, Problem: problem}
	}
}

// faultHere is fault for what is to be mended under this loader's own name.
func (l *loader) faultHere(name, problem string) {
	f := Fault{Name: l.spell(name), Problem: problem}
	if l.gives(name) {
		f.Name, f.Given = l.sources[name].name, l.sources[name].shown
	}
	if l.sound(name) {
		l.faults[name] = f
	}
}

// list gives the faults in the order of the variables.
func (l *loader) list(known []variable) []Fault {
	var list []Fault
	if f, ok := l.faults[hostsVariable]; ok {
		list = append(list, f)
	}
	for _, v := range known {
		if f, ok := l.faults[v.name]; ok {
			list = append(list, f)
		}
	}
	return list
}

// take finds the value of one variable. One that is not set is left as it is.
func (l *loader) take(v variable) {
	var err error
	value, from := l.given[v.name], source{name: l.spell(v.name)}
	if v.secret {
		value, from.name, err = l.secret(v.name)
	} else {
		from.shown = quote(value)
	}
	if value == "" && err == nil {
		return
	}
	delete(l.faults, v.name) // of the value that this one displaces
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
// name that gave it. Its errors repeat neither the value nor the path: people
// paste the secret itself where the path belongs.
func (l *loader) secret(name string) (value, from string, err error) {
	from = l.spell(name)
	value, path := strings.TrimSpace(l.given[name]), l.given[name+"_FILE"]
	if path == "" {
		return value, from, nil
	}
	if value != "" {
		return "", from, fmt.Errorf("set as %s_FILE too; keep one of the two", from)
	}
	from += "_FILE"
	text, err := readFile(path)
	if err != nil {
		return "", from, fmt.Errorf("expected the path of a readable file: %w", err)
	}
	if value = strings.TrimSpace(string(text)); value == "" {
		return "", from, errors.New("the file is empty")
	}
	return value, from, nil
}

// parse puts the values taken into the struct, and for the others the default
// that their tag presets. What does not parse is a fault and stays as it was.
func (l *loader) parse(c *Config, known []variable, presets string) {
	err := env.ParseWithOptions(c, env.Options{
		Environment:         l.values, // never nil, which would mean the process's own
		DefaultValueTagName: presets,
		FuncMap: map[reflect.Type]env.ParserFunc{
			reflect.TypeFor[time.Duration](): parseDuration,
			reflect.TypeFor[bool]():          parseBool,
		},
	})
	if all, ok := errors.AsType[env.AggregateError](err); ok {
		for _, err := range all.Errors {
			e, ok := errors.AsType[env.ParseError](err)
			if !ok {
				panic(fmt.Sprintf("config: the struct's own tags are wrong: %v", err))
			}
			// The library knows the field; people know the variable.
			i := slices.IndexFunc(known, func(v variable) bool { return v.field == e.Name })
			l.fault(known[i].name, e.Err.Error())
		}
	}
}

// parseDuration reads a time that is not negative.
func parseDuration(text string) (any, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return nil, errors.New("expected a duration with its unit, such as 90s, 5m or 24h")
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
