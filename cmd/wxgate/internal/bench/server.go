package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// A server is a running target.
type server struct {
	target  string // its name
	address string
	host    string // for the header Host
	path    string // that is put before the paths of requests
	header  string // further lines of each request, such as a Cookie
	cookie  string // of the session, as a header line
	openID  string // that the upstream has to see with the cookie; "": none
	admin   string // address of /metrics; "": none
	grpc    string // address of the authorization service; "": none
	// sessions are further cookie values, for requests as different visitors.
	sessions []string
	process  *process
	pids     []int // empty: on another machine
	startup  time.Duration
}

func (s *server) stop() { s.process.stop() }

// values are what was measured, by the names of measures. What cannot be known is left
// out.
type values map[string]float64

// watch calls f and returns what the server used for it: seconds of processor time, and
// allocations.
func (s *server) watch(ctx context.Context, f func() error) (values, error) {
	v := values{}
	mallocs, err := s.mallocsAfterScrape(ctx)
	if err != nil {
		return nil, err
	}
	cpu, err := cpuOf(s.pids)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	if err := f(); err != nil {
		return nil, fmt.Errorf("%s: %w", s.target, err)
	}
	v["seconds"] = time.Since(start).Seconds()
	after, err := cpuOf(s.pids)
	if err != nil {
		return nil, err
	}
	if len(s.pids) > 0 {
		v["cpu"] = (after - cpu).Seconds()
	}
	if s.admin == "" {
		return v, nil
	}
	now, err := s.mallocs(ctx)
	v["mallocs"] = max(0, now-mallocs)
	return v, err
}

// mallocsAfterScrape returns the allocations so far and those that reading the
// difference will add.
func (s *server) mallocsAfterScrape(ctx context.Context) (float64, error) {
	if s.admin == "" {
		return 0, nil
	}
	var counts [3]float64 // the first scrape fills caches
	for i := range counts {
		var err error
		if counts[i], err = s.mallocs(ctx); err != nil {
			return 0, err
		}
	}
	return 2*counts[2] - counts[1], nil
}

// mallocs reads the number of the server's allocations.
func (s *server) mallocs(ctx context.Context) (float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.admin+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err
	}
	return parseMallocs(text)
}

// parseMallocs finds the number of allocations in metrics of Prometheus' format.
func parseMallocs(text []byte) (float64, error) {
	const name = "go_memstats_mallocs_total "
	for line := range bytes.Lines(text) {
		if value, found := bytes.CutPrefix(line, []byte(name)); found {
			return strconv.ParseFloat(string(bytes.TrimSpace(value)), 64)
		}
	}
	return 0, fmt.Errorf("metrics have no %s", name)
}
