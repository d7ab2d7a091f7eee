package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/session/redisstore"
)

// newRevoke returns the command revoke.
func newRevoke(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "revoke OPENID | --all",
		Short: "end every session of one visitor, or of everybody",
		Long: `Ends every session of one visitor, or of everybody, on all replicas. A login after it
is a new session. The command reads the configuration of ` + "`wxgate serve`" + ` and needs
WXGATE_REDIS_URL.`,
		Example: `wxgate revoke oVisitor0123456789abcdefghij`,
		Annotations: exits(`0 done; 1 Redis does not answer or refuses, or the line could not be written;
2 the arguments or the configuration are wrong, or WXGATE_REDIS_URL is not set, and nothing was
revoked`),
	}
	all := cmd.Flags().Bool("all", false, "end the sessions of everybody")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		openID, err := revocation(args, *all)
		if err != nil {
			return err
		}
		return revoke(inv, openID)
	}
	return cmd
}

// revoke ends the sessions of one visitor, or of everybody if openID is empty.
func revoke(inv *invocation, openID string) error {
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
	_, err = fmt.Fprintf(inv.stdout,
		"revoked all sessions of %s; they end within five seconds on all replicas with %s\n", whose, cfg.RedisURL)
	return err
}

// revocation returns the openid that the arguments name; "" for everybody. No error
// contains it.
func revocation(args []string, all bool) (openID string, err error) {
	switch n := len(args); {
	case all && n > 0:
		return "", usageError{errors.New("expected an openid or --all, not both")}
	case all:
		return "", nil
	case n != 1:
		return "", usageError{fmt.Errorf("%d arguments: expected one openid, or --all", n)}
	}
	openID = args[0]
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
