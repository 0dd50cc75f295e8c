package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"netmon/identity"
	"netmon/internal/private"
	"netmon/internal/userdirs"
	"netmon/wire"
)

// joinPlaces are the folders of agents in which a line may have been used before.
func joinPlaces(c *cli.Context) ([]string, error) {
	switch {
	case c.String("state") != "":
		return []string{c.String("state")}, nil
	case c.IsSet("id"):
		state, err := stateOfAgent(c, c.String("id"))
		return []string{state}, err
	case userdirs.State() == "":
		return nil, nil
	}
	return filepath.Glob(filepath.Join(userdirs.State(), "agent-*"))
}

// join exchanges a line for an identity. One that was exchanged here before is
// known again, so that a unit or a container may keep the line. What can be wrong
// here is looked at before the broker is asked.
func join(c *cli.Context, text string) (membership, error) {
	line, err := identity.ParseLine(text)
	if err != nil {
		return membership{}, usage("--join: %w", err)
	}
	if len(c.StringSlice("label")) > 0 {
		return membership{}, usage("--label: an agent that joins has the labels of its line: make one with netmon token new agent --label NAME=VALUE")
	}
	places, err := joinPlaces(c)
	if err != nil {
		return membership{}, err
	}
	for _, state := range places {
		if line.UsedFor(identityIn(state)) {
			return member(c, state, "")
		}
	}
	as := identity.Joiner{As: wire.JoinAgent, Host: joinID(), Place: userdirs.State()}
	if c.IsSet("id") {
		as.Name = c.String("id")
	}
	known, err := stateOfAgent(c, cmp.Or(as.Name, as.Host))
	if err != nil {
		return membership{}, err
	}
	if err := private.Err(private.Tree(identityIn(known))); err != nil {
		return membership{}, usage("%w", err)
	}
	if c.String("state") != "" {
		as.Place = identityIn(known)
	}
	var state string
	as.Dir = func(got wire.Credential) (string, error) {
		state, err = stateOfAgent(c, got.Name)
		return identityIn(state), err
	}
	id, dir, err := identity.Join(c.Context, line, as)
	if err != nil {
		return notJoined(c, line, as, places, err)
	}
	fmt.Fprintf(c.App.ErrWriter, "joined as %s; its key is in %s and nowhere else\n", id.Credential.Name, dir)
	return member(c, state, "")
}

// notJoined is what becomes of an agent that a line did not let in. One that is of
// that mesh already goes on as it is, if it is clear which one is meant: where
// many agents have one line, that one is replaced while they are in.
func notJoined(c *cli.Context, line identity.Line, as identity.Joiner, places []string, err error) (membership, error) {
	if len(places) == 1 && (c.String("state") != "" || c.IsSet("id")) {
		have, loadErr := identity.Load(identityIn(places[0]))
		if loadErr == nil && identity.Fingerprint([]byte(have.Authority)) == line.Pin {
			fmt.Fprintf(c.App.ErrWriter, "netmon: going on by the identity in %s; the line was not taken: %v\n", identityIn(places[0]), err)
			return member(c, places[0], "")
		}
	}
	var refused *wire.Error
	if errors.As(err, &refused) && refused.Code == wire.CodeToken {
		err = fmt.Errorf("%w\nan agent that was in before and lost its state comes back by a line of netmon token new agent --id %s --replace", err, cmp.Or(as.Name, "ID"))
	}
	return membership{}, err
}

// joinConsole exchanges a line for an identity among this user's settings.
func joinConsole(ctx context.Context, text string) (id identity.Identity, dir string, err error) {
	line, err := identity.ParseLine(text)
	if err != nil {
		return id, "", usage("--join: %w", err)
	}
	return identity.Join(ctx, line, identity.Joiner{As: wire.JoinConsole, Place: userdirs.Config("identities"), Dir: func(got wire.Credential) (string, error) {
		return freeFolder(userdirs.Config("identities", got.Name)), nil
	}})
}

// freeFolder is a folder that does not exist yet.
func freeFolder(base string) string {
	dir := base
	for n := 2; ; n++ {
		if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
			return dir
		}
		dir = fmt.Sprintf("%s-%d", base, n)
	}
}
