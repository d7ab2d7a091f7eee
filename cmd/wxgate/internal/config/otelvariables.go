package config

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/wxgate/wxgate/gateway/origin"
	"github.com/wxgate/wxgate/wechat"
)

// otelVariables are the variables of OpenTelemetry that are given, and what is wrong
// with them. One that is empty counts as not set.
type otelVariables struct {
	given  map[string]string
	faults []Fault
}

// A setting is a variable with its value.
type setting struct{ name, value string }

// of returns the variable of the exporter with the given end of its name: the one for
// traces if it is set, else the one for all signals.
func (o *otelVariables) of(end string) setting {
	if value := o.given[otelTraces+end]; value != "" {
		return setting{otelTraces + end, value}
	}
	return setting{otelOTLP + end, o.given[otelOTLP+end]}
}

// fault records what is wrong with a variable, and shows its value.
func (o *otelVariables) fault(name, problem string) {
	f := Fault{Name: name, Problem: problem}
	if value := o.given[name]; value != "" {
		f.Given = quote(value)
	}
	o.faults = append(o.faults, f)
}

// secretFault is fault without the value.
func (o *otelVariables) secretFault(name, problem string) {
	o.faults = append(o.faults, Fault{Name: name, Problem: problem})
}

// check records the error of a variable, if there is one.
func (o *otelVariables) check(name string, err error) {
	if err != nil {
		o.fault(name, err.Error())
	}
}

// endpoint returns the address of the collector. The path for traces is added to an
// address for all signals.
func (o *otelVariables) endpoint(grpc bool) *url.URL {
	const path = "/v1/traces"
	given := o.of("ENDPOINT")
	if given.value == "" {
		if grpc {
			return &url.URL{Scheme: "http", Host: "localhost:4317"}
		}
		return &url.URL{Scheme: "http", Host: "localhost:4318", Path: path}
	}
	if grpc {
		return o.grpcEndpoint(given)
	}
	u, err := origin.ParseURL(given.value, "http", "https")
	if err != nil {
		o.fault(given.name, err.Error())
		return nil
	}
	switch {
	case given.name == otelOTLP+"ENDPOINT":
		u.Path = strings.TrimSuffix(u.Path, "/") + path
	case u.Path == "":
		u.Path = "/" // the exporter would add the path for traces
	}
	return u
}

// grpcEndpoint returns the address of a collector that is asked by gRPC. It may be given
// without a scheme; another variable then says whether to use TLS.
func (o *otelVariables) grpcEndpoint(given setting) *url.URL {
	text := given.value
	if !strings.Contains(text, "://") {
		text = "https://" + text
		if strings.EqualFold(o.of("INSECURE").value, "true") {
			text = "http://" + given.value
		}
	}
	u, err := origin.ParseURL(text, "http", "https")
	if err == nil && u.Port() == "" {
		err = errors.New("expected a port for grpc, such as http://collector:4317")
	}
	if err != nil {
		o.fault(given.name, err.Error())
		return nil
	}
	u.Path = ""
	return u
}

// expectedPairs is what is expected of a list of names and values.
const expectedPairs = "expected name=value, several separated by commas, with special characters percent-encoded"

// headers returns the headers that the collector gets. They hold its tokens, so they may
// also come from a file.
func (o *otelVariables) headers() map[string]wechat.Secret {
	given := o.of("HEADERS")
	if file := o.of("HEADERS_FILE"); file.value != "" {
		text, err := readFile(file.value)
		switch {
		case given.value != "":
			o.secretFault(given.name, "set as "+file.name+" too; keep one of the two")
		case err != nil:
			shown, hidden := shownPath(file.value)
			problem := "expected the path of a readable file: " + err.Error() + hidden
			o.faults = append(o.faults, Fault{file.name, shown, problem})
		}
		given = setting{file.name, strings.TrimSpace(string(text))}
	}
	pairs, headers := make(map[string]string), make(map[string]wechat.Secret)
	if !o.pairs(given.value, pairs) {
		o.secretFault(given.name, expectedPairs)
	}
	for name, value := range pairs {
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			o.secretFault(given.name, "expected names and values that a header can have")
			break
		}
		headers[name] = wechat.Secret(value)
	}
	return headers
}

// pairs adds the names and values in a list such as a=1,b=2 to into. It reports false for
// one that is no such list.
func (o *otelVariables) pairs(list string, into map[string]string) bool {
	if list == "" {
		return true
	}
	for pair := range strings.SplitSeq(list, ",") {
		name, escaped, ok := strings.Cut(pair, "=")
		name = strings.TrimSpace(name)
		value, err := url.PathUnescape(strings.TrimSpace(escaped))
		if !ok || name == "" || err != nil {
			return false
		}
		into[name] = value
	}
	return true
}

// milliseconds returns the duration in a variable, or preset if it is not set.
func (o *otelVariables) milliseconds(given setting, preset time.Duration) time.Duration {
	return time.Duration(o.number(given, int(preset.Milliseconds()))) * time.Millisecond
}

// number returns the number in a variable, or preset if it is not set.
func (o *otelVariables) number(given setting, preset int) int {
	if given.value == "" {
		return preset
	}
	const most = 24 * 60 * 60 * 1000 // a day
	n, err := strconv.Atoi(given.value)
	if err != nil || n < 1 || n > most {
		o.fault(given.name, fmt.Sprintf("expected a number from 1 to %d", most))
		return preset
	}
	return n
}

// ratio returns the part of all traces in a variable.
func (o *otelVariables) ratio(name, value string) float64 {
	ratio, err := strconv.ParseFloat(value, 64)
	if err != nil || !(ratio >= 0 && ratio <= 1) {
		o.fault(name, "expected a number from 0 to 1")
	}
	return ratio
}
