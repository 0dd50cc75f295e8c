// Package folder keeps what is saved as files have it: it looks at the files from time to
// time, saves what they changed, and changes back what somebody else changed of it
// (docs/adr/0081).
//
// Files are compared by their contents, and count once they were the same twice. So it
// follows network filesystems, ConfigMaps of Kubernetes, editors and git alike, and what
// is half written counts for nothing. Nothing is saved unless all files are right; a
// broker or a folder that is away is waited for.
package folder
