// Package backup copies a mesh from a running broker into a folder, and back.
//
// A backup is a folder of plain files:
//
//	RESULTS.snapshot ...  a stream each, as nats-server's snapshots are
//	access/               the authority, if the mesh has identities
//	SHA256SUMS            of all of it, for sha256sum -c
//	manifest.json         what there is; written last: without it nothing is whole
//
// nats-server speaks its snapshots over NATS ($JS.API.STREAM.SNAPSHOT and RESTORE):
// in pieces, of which only some megabytes are on their way before they are
// acknowledged. So a backup takes little memory on both sides, however large a
// stream is, and the broker stores on meanwhile.
package backup
