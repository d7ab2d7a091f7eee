// Package prometheus holds alert rules for wxgate, wxgate.rules.yml, and their
// unit tests for promtool, wxgate.rules.test.yml. The Go code tests these files and
// the dashboard in ../grafana: it compares them with the metrics of a running
// gateway. It is a module of its own, so that Prometheus' libraries stay out of
// the gateway's go.mod.
package prometheus
