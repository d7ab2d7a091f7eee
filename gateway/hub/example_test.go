package hub_test

import (
	"errors"
	"fmt"
	"log"

	"github.com/wxgate/wxgate/gateway/hub"
	"github.com/wxgate/wxgate/session"
)

// The hub seals a ticket for one login at one site. The site opens it.
func Example() {
	key := session.Key("32 random bytes or more, at the hub and its sites")
	tickets, err := hub.New(key)
	if err != nil {
		log.Fatal(err)
	}
	const site, state = "https://shop1.cn", "00112233445566778899aabbccddeeff"

	// At the hub, which has signed the visitor in:
	ticket, err := tickets.Seal(site, state, &session.Session{AppID: "wx0123456789abcdef", OpenID: "oLihua"})
	if err != nil {
		log.Fatal(err)
	}

	// At the site, which has the ticket from the query and the state from a cookie:
	visitor, err := tickets.Open(ticket, site, state)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(visitor.AppID, visitor.OpenID)

	// At any other site, or for another login:
	_, err = tickets.Open(ticket, "https://shop2.cn", state)
	fmt.Println(err, errors.Is(err, hub.ErrRefused))
	// Output:
	// wx0123456789abcdef oLihua
	// ticket refused true
}
