package redistest

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// Do runs one command with every right and returns the answer as text: nil is "",
// an array is the lines of its elements. An error fails the test.
func (s *Server) Do(t TB, command ...string) string {
	t.Helper()
	answer, err := s.run(patience, command...)
	if err != nil {
		t.Fatalf("%s to Redis on %s: %v", command[0], s.Addr(), err)
	}
	return answer
}

// Flush deletes all data.
func (s *Server) Flush(t TB) {
	t.Helper()
	s.Do(t, "FLUSHALL")
}

func (s *Server) ping() error {
	_, err := s.run(time.Second, "PING")
	return err
}

// run runs one command on a connection of its own.
func (s *Server) run(within time.Duration, command ...string) (string, error) {
	o := rueidis.ClientOption{
		InitAddress:       []string{s.Addr()},
		Username:          admin,
		Password:          adminPassword,
		ForceSingleClient: true,
		AlwaysRESP2:       true,
		DisableCache:      true,
		DisableRetry:      true,
		ClientSetInfo:     rueidis.DisableClientSetInfo,
		ConnWriteTimeout:  within,
	}
	o.Dialer.Timeout = within
	if s.mini != nil {
		o.Username, o.Password = "", s.options.Password
	}
	if s.options.authority != nil {
		o.TLSConfig = s.options.authority.client()
	}
	client, err := rueidis.NewClient(o)
	if err != nil {
		return "", err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	answer, err := client.Do(ctx, client.B().Arbitrary(command[0]).Args(command[1:]...).Build()).ToMessage()
	if err != nil && !rueidis.IsRedisNil(err) {
		return "", err
	}
	return text(answer), nil
}

// text returns an answer as Do does.
func text(m rueidis.RedisMessage) string {
	switch {
	case m.IsNil():
		return ""
	case m.IsInt64():
		n, _ := m.AsInt64()
		return strconv.FormatInt(n, 10)
	case m.IsArray():
		elements, _ := m.ToArray()
		lines := make([]string, len(elements))
		for i, e := range elements {
			lines[i] = text(e)
		}
		return strings.Join(lines, "\n")
	}
	s, _ := m.ToString()
	return s
}
