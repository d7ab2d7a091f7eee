package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/session/redisstore"
)

// revokeHelp is the begin of what `wxgate revoke --help` prints.
const revokeHelp = `Usage: wxgate revoke OPENID
       wxgate revoke --all

Ends every session of one visitor, or of everybody, on all replicas. A login after it
is a new session. The command reads the configuration of ` + "`wxgate serve`" + ` and needs
WXGATE_REDIS_URL.

Exit codes: 0 done; 1 Redis does not answer or refuses; 2 the arguments or the
configuration are wrong, or WXGATE_REDIS_URL is not set, and nothing was revoked.

Example: wxgate revoke oVisitor0123456789abcdefghij

`

// revoke ends the sessions of one visitor, or of everybody.
func revoke(inv *invocation) error {
	openID, err := inv.revocation()
	if err != nil {
		return err
	}
	cfg, err := config.Load(inv.environ)
	if err != nil {
		return err
	}
	redis, err := openRedis(cfg, zerolog.Nop())
	if err != nil {
		return err
	}
	if redis == nil {
		return usageError{errors.New("nothing was revoked: revocation needs Redis; set WXGATE_REDIS_URL, " +
			"for every replica too")}
	}
	defer redis.Close()
	ctx := context.Background()
	if err := redis.Connect(ctx); err != nil {
		return hinted(fmt.Errorf("nothing was revoked: redis does not answer: %w", err))
	}
	revocations, whose := revocationsIn(cfg, redis), "everybody"
	if openID == "" {
		err = revocations.RevokeAll(ctx)
	} else {
		whose, err = openID, revocations.Revoke(ctx, openID)
	}
	if err != nil {
		return hinted(err)
	}
	_, err = fmt.Fprintf(inv.stdout, "revoked all sessions of %s; they end within five seconds on all replicas with %s\n",
		whose, cfg.RedisURL)
	return err
}

// revocation returns the openid that the arguments name; "" for everybody. No error
// contains it.
func (i *invocation) revocation() (openID string, err error) {
	flags := i.flags("revoke")
	all := flags.Bool("all", false, "end the sessions of everybody")
	flags.Usage = func() {
		fmt.Fprint(i.stderr, revokeHelp+"Flags:\n")
		flags.PrintDefaults()
	}
	if err := i.parseFlags(flags); err != nil {
		return "", err
	}
	switch n := flags.NArg(); {
	case *all && n > 0:
		return "", usageError{errors.New("expected an openid or --all, not both")}
	case *all:
		return "", nil
	case n != 1:
		return "", usageError{fmt.Errorf("%d arguments: expected one openid, or --all", n)}
	}
	openID = flags.Arg(0)
	if err := session.CheckOpenID(openID); err != nil {
		return "", usageError{err}
	}
	if strings.HasPrefix(openID, "-") {
		return "", usageError{errors.New("expected an openid, which does not begin with -")}
	}
	return openID, nil
}

// hinted adds to an error of Redis what to do about it.
func hinted(err error) error {
	if hint := redisstore.Hint(err); hint != "" {
		return fmt.Errorf("%w; hint: %s", err, hint)
	}
	return err
}
