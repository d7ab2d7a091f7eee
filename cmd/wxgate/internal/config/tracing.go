package config

import (
	"crypto/tls"
	"crypto/x509"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/wxgate/wxgate/wechat"
)

// Tracing is what OpenTelemetry's own variables say about traces. Those of the SDK's
// specification count that concern them, and no others.
type Tracing struct {
	Endpoint    *url.URL // of the collector; with gRPC without a path
	GRPC        bool     // the protocol is grpc, not http/protobuf
	Headers     map[string]wechat.Secret
	Timeout     time.Duration
	Gzip        bool
	CAs         *x509.CertPool   `json:"-"` // nil: the system's
	Certificate *tls.Certificate `json:"-"` // of this client; nil: none

	Sampler  string            // as OTEL_TRACES_SAMPLER names it
	Ratio    float64           // of the samplers that have one
	Resource map[string]string // attributes, with the service's name

	// A batch is sent after BatchDelay, or when it has BatchSize spans, and is given up
	// after BatchTimeout. Of more than QueueSize spans that wait, the newest are dropped.
	BatchDelay   time.Duration
	BatchTimeout time.Duration
	BatchSize    int
	QueueSize    int
}

// The variables by which tracing is turned on or off.
const (
	otelDisabled = "OTEL_SDK_DISABLED"
	otelExporter = "OTEL_TRACES_EXPORTER"
	otelOTLP     = "OTEL_EXPORTER_OTLP_"        // begins the variables for all signals
	otelTraces   = "OTEL_EXPORTER_OTLP_TRACES_" // begins the same ones for traces, which take precedence
)

// loadTracing reads OpenTelemetry's variables. It returns nil if tracing is off: then
// mistakes in the other variables do not count.
func loadTracing(environ []string) (*Tracing, []Fault) {
	o := otelVariables{given: make(map[string]string)}
	for _, entry := range environ {
		if name, value, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "OTEL_") {
			o.given[name] = strings.TrimSpace(value)
		}
	}
	if !o.on() {
		return nil, o.faults
	}
	t := &Tracing{}
	o.readCollector(t)
	o.readTLS(t)
	o.readSampler(t)
	o.readResource(t)
	o.readBatches(t)
	return t, o.faults
}

// on reports whether tracing is on.
func (o *otelVariables) on() bool {
	exporter := o.given[otelExporter]
	switch {
	case strings.EqualFold(o.given[otelDisabled], "true"), exporter == "none":
		return false
	case exporter != "" && exporter != "otlp":
		o.fault(otelExporter, "expected otlp or none")
	}
	return exporter != "" || o.of("ENDPOINT").value != ""
}

// readCollector reads where the spans go, and how.
func (o *otelVariables) readCollector(t *Tracing) {
	protocol := o.of("PROTOCOL")
	switch protocol.value {
	case "", "http/protobuf":
	case "grpc":
		t.GRPC = true
	default:
		o.fault(protocol.name, "expected http/protobuf or grpc")
	}
	t.Endpoint = o.endpoint(t.GRPC)
	t.Headers = o.headers()
	t.Timeout = o.milliseconds(o.of("TIMEOUT"), 10*time.Second)
	compression := o.of("COMPRESSION")
	switch compression.value {
	case "", "none":
	case "gzip":
		t.Gzip = true
	default:
		o.fault(compression.name, "expected gzip or none")
	}
}

// readTLS reads the files for TLS.
func (o *otelVariables) readTLS(t *Tracing) {
	var err error
	if cas := o.of("CERTIFICATE"); cas.value != "" {
		t.CAs, err = readCAs(cas.value)
		o.check(cas.name, err)
	}
	cert, key := o.of("CLIENT_CERTIFICATE"), o.of("CLIENT_KEY")
	switch {
	case cert.value == "" && key.value == "":
	case cert.value == "":
		o.fault(key.name, "set, but "+cert.name+" is not; a client certificate needs both")
	case key.value == "":
		o.fault(cert.name, "set, but "+key.name+" is not; a client certificate needs both")
	default:
		pair, err := tls.LoadX509KeyPair(cert.value, key.value)
		if err != nil {
			o.fault(cert.name, "expected a PEM certificate that belongs to the PEM key in "+key.name)
		}
		t.Certificate = &pair
	}
}

// readSampler reads which traces are recorded.
func (o *otelVariables) readSampler(t *Tracing) {
	const name, argument = "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"
	samplers := []string{
		"always_on", "always_off", "traceidratio",
		"parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio",
	}
	t.Sampler, t.Ratio = "parentbased_always_on", 1
	if sampler := o.given[name]; sampler != "" {
		t.Sampler = sampler
	}
	if !slices.Contains(samplers, t.Sampler) {
		o.fault(name, "expected "+strings.Join(samplers, " or "))
	}
	if ratio := o.given[argument]; ratio != "" && strings.HasSuffix(t.Sampler, "ratio") {
		t.Ratio = o.ratio(argument, ratio)
	}
}

// readResource reads what describes this process.
func (o *otelVariables) readResource(t *Tracing) {
	const name, attributes = "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"
	t.Resource = map[string]string{"service.name": "wxgate"}
	if !o.pairs(o.given[attributes], t.Resource) {
		o.fault(attributes, expectedPairs)
	}
	if service := o.given[name]; service != "" {
		t.Resource["service.name"] = service
	}
}

// readBatches reads how spans wait for their export.
func (o *otelVariables) readBatches(t *Tracing) {
	of := func(name string) setting { return setting{"OTEL_BSP_" + name, o.given["OTEL_BSP_"+name]} }
	t.BatchDelay = o.milliseconds(of("SCHEDULE_DELAY"), 5*time.Second)
	t.BatchTimeout = o.milliseconds(of("EXPORT_TIMEOUT"), 30*time.Second)
	t.QueueSize = o.number(of("MAX_QUEUE_SIZE"), 2048)
	t.BatchSize = min(o.number(of("MAX_EXPORT_BATCH_SIZE"), 512), t.QueueSize)
}
