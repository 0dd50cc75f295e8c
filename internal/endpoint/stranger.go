package endpoint

import (
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
)

// AsStranger connects an agent without an identity. It keeps trying where the
// broker wants one, and measures meanwhile: the mesh may ask since yesterday.
func (p Endpoint) AsStranger(id string) func(...nats.Option) (*nats.Conn, error) {
	return func(o ...nats.Option) (*nats.Conn, error) {
		return p.Connect(append(o, func(n *nats.Options) error {
			if tell := n.ReconnectErrCB; tell != nil { // also of the first attempt
				n.ReconnectErrCB = func(nc *nats.Conn, err error) { tell(nc, p.explainToAgent(id, err)) }
			}
			return nil
		})...)
	}
}

// explainToAgent is explain for an agent without an identity.
func (p Endpoint) explainToAgent(id string, err error) error {
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		return err
	}
	return fmt.Errorf("%s, by %s: the broker requires an identity, and its certificate is from a mesh that this agent did not join: ask its admin for a line for netmon agent --join LINE: "+
		"netmon token new agent --id %s (with --replace if %s was in before and lost its state): %w", Redact(p.URL), p.From, id, id, err)
}
