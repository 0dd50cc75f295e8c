package console

import (
	"netmon/wire"
)

// sign adds to what is said about a configuration who says so, where the mesh
// has identities. It is for the revision that it replaces: what somebody else
// saves meanwhile is not overwritten.
func (s *Sets) sign(o *object, over uint64) (err error) {
	if s.c.signer == nil {
		return nil
	}
	p := wire.Proof{Store: wire.StoreID(s.stream.CachedInfo().Created), Revision: over}
	o.Metadata[wire.SetProof], err = s.c.signer.Sign(metaSubject(o.Name), wire.SetOperation(o.Deleted), []byte(o.Digest), p)
	return err
}

// check says whether the mesh let a configuration be saved, as we know it by the
// authority that we pinned: it is about to say what agents measure.
func (s *Sets) check(o object) error {
	if s.c.operators == nil {
		return nil
	}
	return s.c.operators.Accepted(o.kept.Header.Get(wire.AcceptedHeader), metaSubject(o.Name), "", "", o.kept.Data)
}
