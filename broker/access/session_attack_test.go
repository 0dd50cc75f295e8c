package access_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"netmon/broker/access"
	"netmon/console"
	"netmon/identity"
	"netmon/internal/natstest"
	"netmon/internal/need"
	"netmon/wire"
)

// says that an answer refuses, in these words.
func refuses(t *testing.T, what string, err error, words string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("%s: %v, want %q", what, err, words)
	}
}

// TestAttack_SessionKey: who stole a session's key, and has a server in hand besides,
// gets no further key, no other session, no admin, and no acknowledgement in the
// person's name.
func TestAttack_SessionKey(t *testing.T) {
	s := natstest.StartSecure(t)
	who := actors(t, s.Mesh)
	anna := who[wire.RoleAdmin]
	o, other := sessionOf(t, s.Mesh, anna, wire.RoleOperator), sessionOf(t, s.Mesh, anna, wire.RoleViewer)
	boss := s.As(t, access.Controller, "controller") // a server that passes on whatever is signed
	key, own := someKey(t), person(t, anna)
	mine := wire.SessionName("anna", o.public)
	open := fmt.Sprintf(`{"op":"open","key":%q,"role":"viewer","for":"1h"}`, key)
	const denied = "a session may not do this"
	for what, c := range map[string]struct{ subject, data, says string }{
		"open one in the person's name":        {"access.delegate.anna", open, "your role does not include it"},
		"open one in its own name":             {"access.delegate." + mine, open, denied},
		"end the person's other one":           {"access.delegate." + mine, fmt.Sprintf(`{"op":"end","key":%q}`, other.public), denied},
		"end it in the person's name":          {"access.delegate.anna", fmt.Sprintf(`{"op":"end","key":%q}`, other.public), "your role does not include it"},
		"change the person's key":              {"access.rotate.anna", fmt.Sprintf(`{"key":%q}`, key), denied},
		"change its own key":                   {"access.rotate." + mine, fmt.Sprintf(`{"key":%q}`, key), denied},
		"acknowledge an authority as anna":     {"access.rotate.anna", fmt.Sprintf(`{"kept":"x","key":%q}`, o.public), denied},
		"ask for the next one as anna":         {"access.rotate.anna", fmt.Sprintf(`{"ask":true,"key":%q}`, o.public), "no identity of this name has it"},
		"let somebody in, as the admin is":     {"access.admin", `{"op":"list"}`, "anna is an operator"},
		"a longer one than there is":           {"access.delegate." + mine, fmt.Sprintf(`{"op":"open","key":%q,"role":"operator","for":"24h"}`, o.public), denied},
		"a request with a field too many":      {"access.delegate." + mine, fmt.Sprintf(`{"op":"end","key":%q,"name":"anna"}`, o.public), "unknown field"},
		"a request that is longer than any is": {"access.delegate." + mine, strings.Repeat(" ", 1000), "want at most"},
	} {
		to := c.subject
		if to == wire.AccessAdminSubject {
			to = "gate.access.admin"
		}
		// By the connection of the session: NATS refuses what is not its own.
		if err := askSigned(o.nc, o.signer(), c.subject, c.data); err == nil {
			t.Errorf("%s: it was done", what)
		}
		refuses(t, what, askAt(boss, o.signer(), c.subject, to, c.data), c.says)
	}
	list, err := own.Identities(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range list {
		if i.Name == "anna" && len(i.Sessions) != 2 {
			t.Errorf("anna has %+v", i.Sessions)
		}
	}
}

// askAt sends somewhere what is signed for a subject, as a server in other hands can.
func askAt(nc *nats.Conn, signer *identity.Signer, subject, to, data string) error {
	challenge := ""
	for range 2 {
		m := message(to, data)
		proof, err := signer.SignRequest(subject, challenge, m.Data)
		if err != nil {
			return err
		}
		m.Header.Set(wire.ProofHeader, proof)
		r, err := exchange(nc, m)
		if err != nil {
			return err
		}
		err = says(r)
		var reply wire.AccessReply
		if json.Unmarshal(r.Data, &reply) != nil || reply.Challenge == "" {
			return err
		}
		challenge = reply.Challenge
	}
	return errors.New("its challenge is over, twice")
}

// TestAttack_SessionRequests: nobody gets a session of more than their own, in another's
// name, for longer than a day, unsigned, or a second time by what was signed once.
func TestAttack_SessionRequests(t *testing.T) {
	s := natstest.StartSecure(t)
	who := actors(t, s.Mesh)
	boss := s.As(t, access.Controller, "controller")
	request := func(role, lasts, of string) string {
		text, err := json.Marshal(of)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf(`{"op":"open","key":%q,"role":%q,"for":%q,"of":%s}`, someKey(t), role, lasts, text)
	}
	for what, c := range map[string]struct {
		by            wire.Role
		subject, data string
		says          string
	}{
		"a viewer as an operator":           {wire.RoleViewer, "access.delegate.vic", request("operator", "1h", ""), "role: want one of [viewer], as your own is viewer"},
		"an operator as an admin":           {wire.RoleOperator, "access.delegate.olga", request("admin", "1h", ""), "want viewer or operator, which is the most"},
		"an admin as an admin":              {wire.RoleAdmin, "access.delegate.anna", request("admin", "1h", ""), "want viewer or operator, which is the most"},
		"an admin as the controller":        {wire.RoleAdmin, "access.delegate.anna", request("controller", "1h", ""), "want viewer or operator, which is the most"},
		"an agent":                          {wire.RoleAgent, "access.delegate.paris", request("viewer", "1h", ""), "your role does not include it"},
		"a notifier":                        {wire.RoleNotifier, "access.delegate.nick", request("viewer", "1h", ""), "your role does not include it"},
		"in another's name":                 {wire.RoleOperator, "access.delegate.anna", request("operator", "1h", ""), "your role does not include it"},
		"for longer than a day":             {wire.RoleOperator, "access.delegate.olga", request("operator", "25h", ""), "want 1m to 1d, got"},
		"for less than a minute":            {wire.RoleOperator, "access.delegate.olga", request("operator", "0s", ""), "want 1m to 1d, got"},
		"for less than nothing":             {wire.RoleOperator, "access.delegate.olga", request("operator", "-8h", ""), "want 1m to 1d, got"},
		"with a text that draws on screens": {wire.RoleOperator, "access.delegate.olga", request("operator", "1h", "\x1b[2J"), "want text of at most"},
		"with a long text":                  {wire.RoleOperator, "access.delegate.olga", request("operator", "1h", strings.Repeat("x", 81)), "want text of at most 80 bytes"},
		"with no key":                       {wire.RoleOperator, "access.delegate.olga", `{"op":"open","role":"viewer","for":"1h"}`, "want the public NKey"},
		"with nothing to do":                {wire.RoleOperator, "access.delegate.olga", `{"key":"` + someKey(t) + `"}`, "want open or end"},
		"end what is not there":             {wire.RoleOperator, "access.delegate.olga", fmt.Sprintf(`{"op":"end","key":%q}`, someKey(t)), "has no session with this key"},
	} {
		refuses(t, what, askAt(boss, who[c.by].signer(), c.subject, c.subject, c.data), c.says)
	}
	refuses(t, "unsigned", ask(boss, message("access.delegate.olga", request("viewer", "1h", ""))), "it is not signed")

	// What was signed once, with the answer seen, sent again after its end.
	olga := person(t, who[wire.RoleOperator])
	public := someKey(t)
	spy, err := boss.SubscribeSync("access.delegate.*")
	if err != nil || boss.Flush() != nil {
		t.Fatal(err)
	}
	c, err := olga.Delegate(t.Context(), public, wire.RoleOperator, time.Hour, "")
	if err != nil {
		t.Fatal(err)
	}
	again, err := olga.Delegate(t.Context(), public, wire.RoleOperator, 2*time.Hour, "") // an answer that was lost
	if err != nil || !again.Until.Equal(c.Until) {
		t.Errorf("until %v, and then %v: %v", c.Until, again.Until, err)
	}
	if err := olga.EndDelegation(t.Context(), public); err != nil {
		t.Fatal(err)
	}
	if err := boss.Flush(); err != nil {
		t.Fatal(err)
	}
	opened := 0
	for {
		m, err := spy.NextMsg(100 * time.Millisecond)
		if err != nil {
			break
		}
		if m.Reply == "" || !strings.Contains(string(m.Data), `"open"`) {
			continue
		}
		opened++
		if err := ask(boss, message(m.Subject, string(m.Data), wire.ProofHeader, m.Header.Get(wire.ProofHeader))); err == nil {
			t.Error("a request counts twice")
		}
		if opened == 3 {
			break // what we sent again comes here, too
		}
	}
	if opened == 0 {
		t.Error("nothing was seen")
	}
	if _, err := olga.Delegate(t.Context(), public, wire.RoleOperator, time.Hour, ""); err == nil {
		t.Error("a key of before acts once more")
	}
}

// TestAttack_SessionOver: once a session is over, in whatever way, its key is cut off,
// comes in no more, and what it signs counts nowhere, whoever passes it on.
func TestAttack_SessionOver(t *testing.T) {
	s := natstest.StartSecure(t)
	who := actors(t, s.Mesh)
	boss := s.As(t, access.Controller, "controller")
	store, _ := bucket(t, natstest.JetStream(t, boss))
	runs := startAgent(t, s.Mesh, "oslo")
	admin := person(t, who[wire.RoleAdmin])
	olga := person(t, who[wire.RoleOperator])
	begun := time.Now()
	for i, end := range []struct {
		what string
		do   func(o session) error
	}{
		{"by itself", func(o session) error {
			c, err := sessionClient(o, who[wire.RoleOperator].id.Authority, s.Address)
			if err == nil {
				defer c.Close()
				err = c.EndDelegation(t.Context(), o.public)
			}
			return err
		}},
		{"by the person", func(o session) error { return olga.EndDelegation(t.Context(), o.public) }},
		{"by its time", func(session) error {
			s.SetClock(func() time.Time { return time.Now().Add(time.Hour) })
			return nil
		}},
		{"by another key of the person", func(session) error {
			s.SetClock(time.Now)
			return identity.Rotate(t.Context(), who[wire.RoleOperator].connect(t, s.Mesh), who[wire.RoleOperator].dir)
		}},
		{"by an admin", func(session) error {
			_, err := admin.Access(t.Context(), wire.AccessCommand{Op: wire.AccessRevoke, Name: "olga"})
			return err
		}},
	} {
		o := sessionOf(t, s.Mesh, who[wire.RoleOperator], wire.RoleOperator)
		introduce(t, boss, s.Mesh, "oslo")
		name := fmt.Sprint("web", i)
		start := strings.ReplaceAll(startX, `"x"`, `"`+name+`"`)
		if err := askSigned(o.nc, o.signer(), "agent.oslo.cmd", start); err != nil {
			t.Fatalf("%s: while it is open: %v", end.what, err)
		}
		if err := saveSigned(o.nc, o.signer(), store, name, "", monitorText("olga", name, ""), 0); err != nil {
			t.Fatalf("%s: while it is open: %v", end.what, err)
		}
		if err := end.do(o); err != nil {
			t.Fatalf("%s: %v", end.what, err)
		}
		isCut(t, "a session that ended "+end.what, o.cut)
		again, err := identity.ConnectWith(s.Address, who[wire.RoleOperator].id.Authority, o.credential, o.key)
		if err != nil {
			t.Fatal(err)
		}
		if nc, err := again(nats.NoReconnect()); err == nil {
			nc.Close()
			t.Errorf("%s: it comes in again", end.what)
		}
		introduce(t, boss, s.Mesh, "oslo")
		// Its thief has a friend who is in.
		friend := who[wire.RoleAdmin].connect(t, s.Mesh)
		m := strings.ReplaceAll(startX, `"x"`, `"evil"`)
		refuses(t, end.what+": a command", askAs(friend, o.signer(), "agent.oslo.cmd", m), "a key that nobody has here")
		refuses(t, end.what+": a change", saveSigned(friend, o.signer(), store, "evil", "", monitorText("olga", "evil", ""), 0), "a key that nobody has here")
		refuses(t, end.what+": another session", askAs(boss, o.signer(), "access.delegate."+wire.SessionName("olga", o.public), fmt.Sprintf(`{"op":"end","key":%q}`, o.public)), "a key that nobody has here")
		friend.Close()
	}
	if got := runs(); strings.Contains(got, "evil") {
		t.Errorf("oslo runs %s", got)
	}
	lines := strings.Join(audited(t, boss, "access"), "\n")
	for _, want := range []string{"olga session-open olga true operator, until ", `of "http://shop:8080"`, "olga session-end olga true U", "the broker session-end olga true operator, until "} {
		if !strings.Contains(lines, want) {
			t.Errorf("the audit lacks %q:\n%s", want, lines)
		}
	}
	t.Log("all of them over after", time.Since(begun))
}

// askAs asks once, signed for an agent's challenge or the broker's.
func askAs(nc *nats.Conn, signer *identity.Signer, subject, data string) error {
	m := message(subject, data)
	proof, err := signer.SignRequest(subject, "x", m.Data)
	if err != nil {
		return err
	}
	m.Header.Set(wire.ProofHeader, proof)
	return ask(nc, m)
}

// sessionClient is the console of a program that holds a session's key.
func sessionClient(o session, authority, url string) (*console.Client, error) {
	connect, err := identity.ConnectWith(url, authority, o.credential, o.key)
	if err != nil {
		return nil, err
	}
	who, err := console.SessionPerson(authority, o.credential, o.key)
	if err != nil {
		return nil, err
	}
	return console.ConnectAs(who, connect)
}

// TestSession_OnRealServers: at servers that are not embedded a session acts, and is cut
// off at its end.
func TestSession_OnRealServers(t *testing.T) {
	need.Time(t)
	t.Parallel()
	s := startStandalone(t, 1)
	s.serve(t)
	id, dir := joined(t, s.invite(t, "olga", wire.RoleOperator))
	olga := actor{wire.RoleOperator, "olga", id, dir}
	o := sessionOf(t, s.mesh(), olga, wire.RoleOperator)
	store, _ := bucket(t, natstest.JetStream(t, s.mesh().As(t, access.Controller, "controller")))
	if err := saveSigned(o.nc, o.signer(), store, "web", "", monitorText("olga", "web", ""), 0); err != nil {
		t.Error(err)
	}
	if err := person(t, olga).EndDelegation(t.Context(), o.public); err != nil {
		t.Fatal(err)
	}
	isCut(t, "a session that ended", o.cut)
	again, err := identity.ConnectWith(s.url, id.Authority, o.credential, o.key)
	if err != nil {
		t.Fatal(err)
	}
	if nc, err := again(nats.NoReconnect()); err == nil {
		nc.Close()
		t.Error("it comes in again")
	}
}

// TestAttack_SessionOfViewer: an operator's session that was opened as a viewer reads, and
// changes nothing: by NATS, and by the gate and the agent where NATS is in other hands.
func TestAttack_SessionOfViewer(t *testing.T) {
	s := natstest.StartSecure(t)
	who := actors(t, s.Mesh)
	boss := s.As(t, access.Controller, "controller")
	store, _ := bucket(t, natstest.JetStream(t, boss))
	startAgent(t, s.Mesh, "oslo")
	o := sessionOf(t, s.Mesh, who[wire.RoleOperator], wire.RoleViewer)
	introduce(t, boss, s.Mesh, "oslo")
	if err := ask(o.nc, message("$JS.API.STREAM.INFO.RESULTS", "")); err != nil {
		t.Error("read:", err)
	}
	save := monitorText("olga", "web", "")
	refuses(t, "save, at NATS", saveSigned(o.nc, o.signer(), store, "web", "", save, 0), "ermissions Violation")
	refuses(t, "command, at NATS", askAs(o.nc, o.signer(), "agent.oslo.cmd", startX), "ermissions Violation")
	refuses(t, "command, at the agent", askAs(boss, o.signer(), "agent.oslo.cmd", startX), "a key that nobody has here")
	friend := who[wire.RoleAdmin].connect(t, s.Mesh)
	refuses(t, "save, at the gate", saveSigned(friend, o.signer(), store, "web", "", save, 0), "your role does not include it: olga is a viewer")
}
