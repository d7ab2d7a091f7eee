package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Load makes a configuration of the environment, a list of "NAME=value" as
// [os.Environ] gives it; of a name that is there twice the last one counts. Only
// names that begin with WXGATE_ are looked at. The files that the environment
// names are read once, now.
//
// A variable set to the empty string is as good as unset, but for
// WXGATE_ADMIN_LISTEN, where it means no listener. Every error is a [*Faults].
func Load(environ []string) (*Config, error) {
	return load(environ, func(variable) bool { return true })
}

// LoadAccount is [Load] for a command that calls WeChat's API and does nothing
// else: AppID, AppSecret and how to reach WeChat. The other variables may be
// missing or wrong, and stay at their defaults; unknown names are still told.
func LoadAccount(environ []string) (*Config, error) {
	return load(environ, func(v variable) bool { return v.account })
}

// load is [Load] for the variables that are needed.
func load(environ []string, needed func(variable) bool) (*Config, error) {
	l := loader{
		given:  own(environ),
		source: make(map[string]string),
		values: make(map[string]string),
		faults: make(map[string]Fault),
	}
	known := variables()
	for _, v := range known {
		if needed(v) {
			l.take(v)
		}
	}
	c := l.parse(known)
	l.validate(c)

	var list []Fault
	for _, v := range known {
		if f, ok := l.faults[v.name]; ok {
			list = append(list, f)
		}
	}
	list = append(list, unknown(l.given, known)...)
	if len(list) > 0 {
		return nil, &Faults{List: list}
	}
	return c, nil
}

// A variable is a field of [Config] as its tags describe it.
type variable struct {
	name     string
	field    string
	preset   string // default
	unset    string
	meaning  string
	required string
	oneOf    []string
	secret   bool
	account  bool
}

// variables lists the fields of [Config] in their order.
func variables() []variable {
	var list []variable
	for f := range reflect.TypeFor[Config]().Fields() {
		name := f.Tag.Get("env")
		if name == "-" {
			continue
		}
		v := variable{
			name:     name,
			field:    f.Name,
			preset:   f.Tag.Get("envDefault"),
			unset:    f.Tag.Get("unset"),
			meaning:  f.Tag.Get("meaning"),
			required: f.Tag.Get("required"),
			secret:   f.Tag.Get("secret") == "true",
			account:  f.Tag.Get("account") == "true",
		}
		if words, ok := f.Tag.Lookup("oneof"); ok {
			v.oneOf = strings.Split(words, ",")
		}
		list = append(list, v)
	}
	return list
}

// own picks wxgate's own variables.
func own(environ []string) map[string]string {
	given := make(map[string]string)
	for _, entry := range environ {
		name, value, ok := strings.Cut(entry, "=")
		if ok && strings.HasPrefix(name, "WXGATE_") {
			given[name] = value
		}
	}
	return given
}

// A loader carries one environment on its way to a [Config]. Its maps but the
// first go by the name of the variable without _FILE.
type loader struct {
	given  map[string]string // what was set, under the name it was set by
	source map[string]string // name that gave the value: NAME or NAME_FILE
	values map[string]string // what is left to parse
	faults map[string]Fault
}

// fault notes what is wrong with a variable. Only the first fault counts: a
// second one would speak of a value that is not there.
func (l *loader) fault(name, problem string) {
	if _, ok := l.faults[name]; ok {
		return
	}
	f := Fault{Name: name, Problem: problem}
	if source, ok := l.source[name]; ok {
		f.Name = source
	} else if value := l.given[name]; value != "" {
		f.Given = quote(value)
	}
	l.faults[name] = f
}

// take finds the value of one variable.
func (l *loader) take(v variable) {
	value := l.given[v.name]
	if v.secret {
		var err error
		if value, err = l.secret(v.name); err != nil {
			l.fault(v.name, err.Error())
			return
		}
	}
	switch {
	case value == "" && v.required != "":
		l.fault(v.name, "not set: "+v.required)
	case value == "":
	case v.oneOf != nil && !slices.Contains(v.oneOf, value):
		l.fault(v.name, "expected "+strings.Join(v.oneOf, " or "))
	default:
		l.values[v.name] = value
	}
}

// secret finds the value of a secret, in the environment or in a file. Its
// errors repeat neither the value nor the path: people paste the secret itself
// where the path belongs.
func (l *loader) secret(name string) (string, error) {
	// From here on no fault of this variable may show what was given.
	l.source[name] = name
	value, path := strings.TrimSpace(l.given[name]), l.given[name+"_FILE"]
	if path == "" {
		return value, nil
	}
	if value != "" {
		return "", fmt.Errorf("set as %s_FILE too; keep one of the two", name)
	}
	l.source[name] = name + "_FILE"
	text, err := readFile(path)
	if err != nil {
		return "", fmt.Errorf("expected the path of a readable file: %w", err)
	}
	if value = strings.TrimSpace(string(text)); value == "" {
		return "", errors.New("the file is empty")
	}
	return value, nil
}

// readFile reads a file of at most 1 MiB. Its errors do not hold the path.
func readFile(path string) ([]byte, error) {
	const most = 1 << 20
	file, err := os.Open(path)
	if err != nil {
		return nil, pathless(err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, most+1))
	if err != nil {
		return nil, pathless(err)
	}
	if len(text) > most {
		return nil, errors.New("larger than 1 MiB")
	}
	return text, nil
}

// pathless drops the path from an error of package os.
func pathless(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// parse makes the struct of the values taken. What does not parse is a fault
// and stays zero.
func (l *loader) parse(known []variable) *Config {
	c := new(Config)
	err := env.ParseWithOptions(c, env.Options{
		Environment: l.values, // never nil, which would mean the process's own
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
	if value, ok := l.given["WXGATE_ADMIN_LISTEN"]; ok && value == "" {
		c.AdminListen = "" // the library would give it its default
	}
	return c
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
