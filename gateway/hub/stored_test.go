package hub_test

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/gateway/hub"
	"github.com/wxgate/wxgate/session"
)

// A storedTicket is testdata/ticket.json. The file is never made again: a hub
// and its sites are upgraded one after the other.
type storedTicket struct {
	About    string
	Key      session.Key
	Site     string
	State    string
	Ticket   string
	SealedAt time.Time
	IV       string   // hexadecimal: the random bytes of the encryption
	Form     []string // the encrypted bytes, part by part: what it is, then hexadecimal
	Session  *session.Session
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A ticket means the same to a hub and a site of different releases. The test
// replaces the process's random source, so it is not parallel.
func TestStoredTicket(t *testing.T) {
	text, err := os.ReadFile("testdata/ticket.json")
	if err != nil {
		t.Fatal(err)
	}
	var want storedTicket
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&want); err != nil {
		t.Fatal(err)
	}
	iv := unhex(t, want.IV)
	synctest.Test(t, func(t *testing.T) {
		source := rand.Reader
		defer func() { rand.Reader = source }()
		rand.Reader = bytes.NewReader(iv)
		time.Sleep(time.Until(want.SealedAt))

		tickets, err := hub.New(want.Key)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tickets.Open(want.Ticket, want.Site, want.State)
		if err != nil {
			t.Fatalf("Open: %v", err)
		}
		if diff := cmp.Diff(want.Session, got); diff != "" {
			t.Errorf("opened differently (-want +got):\n%s", diff)
		}
		if ticket, err := tickets.Seal(want.Site, want.State, want.Session); err != nil || ticket != want.Ticket {
			t.Errorf("sealed as %s (%v), want %s", ticket, err, want.Ticket)
		}
	})
	checkForm(t, want)
}

// checkForm checks that the parts of the form hold the time of sealing and the
// session.
func checkForm(t *testing.T, want storedTicket) {
	t.Helper()
	var form []byte
	for _, part := range want.Form {
		form = append(form, unhex(t, part[strings.LastIndex(part, " ")+1:])...)
	}
	sealedAt := binary.BigEndian.AppendUint64(nil, uint64(want.SealedAt.UnixNano()))
	visitor, err := want.Session.MarshalBinary()
	if err != nil || !bytes.Equal(form, append(sealedAt, visitor...)) {
		t.Errorf("the form is %x, want %x and %x (%v)", form, sealedAt, visitor, err)
	}
}
