package access

import (
	"slices"

	"github.com/nats-io/nats.go"

	"netmon/identity"
	"netmon/wire"
)

// asksByServer is [identity.ByServer] for some roles.
func (s *service) asksByServer(m *nats.Msg, roles ...wire.Role) (wire.Asker, error) {
	who, err := identity.ByServer(m)
	if err == nil && !slices.Contains(roles, who.Role) {
		err = errNotYours
	}
	if err != nil {
		s.warnings.report("refused", m.Subject, who.Name, err)
	}
	return who, err
}
