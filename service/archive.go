package service

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"time"
)

// archivePart is the most bytes of one part of an archive. Source: the chat
// takes documents up to 50 MB; the rest is for what surrounds the files.
const archivePart = 48 << 20

// BuildArchive is the job that packs an act's package for one person.
type BuildArchive struct {
	ActID    int64 `json:"act_id"`
	PersonID int64 `json:"person_id"`
	UpdateID int64 `json:"update_id"` // that asked for it
}

// Kind names the job.
func (BuildArchive) Kind() string { return "build_archive" }

// JobOptions bound the tries: a person waits for the answer.
func (BuildArchive) JobOptions() JobOptions { return JobOptions{MaxAttempts: 5} }

// ArchiveNotice brings a packed package to whoever asked for it.
type ArchiveNotice struct {
	ActID int64    `json:"act_id"`
	Parts []string `json:"parts"` // SHA-256 of each, in order
}

// NoticeKind names the notice.
func (ArchiveNotice) NoticeKind() string { return "archive" }

// NoticeLane is the lane of answers.
func (ArchiveNotice) NoticeLane() Lane { return LaneAnswer }

// NoticeKey keeps every one.
func (ArchiveNotice) NoticeKey() string { return "" }

// Words gives the names inside an archive in people's language: the key is
// archive_act, archive_journal or archive_screenshots, the argument the act's
// number or the sender's name of the file.
type Words func(key, arg string) (string, error)

// Archives packs packages.
type Archives struct {
	store Store
	acts  *Acts
	files FileStore
	words Words
}

// NewArchives returns the use cases over the acts'.
func NewArchives(store Store, acts *Acts, files FileStore, words Words) *Archives {
	return &Archives{store: store, acts: acts, files: files, words: words}
}

// Order asks a worker to pack the package of an act that the actor may see. It
// is a Conflict while the act is being printed.
func (s *Archives) Order(ctx context.Context, by Actor, actID, updateID int64) error {
	v, err := s.acts.View(ctx, by, actID)
	if err != nil {
		return fmt.Errorf("order archive of act %d: %w", actID, err)
	}
	if !v.Printed {
		return refuse(Conflict, ReasonNotPrinted)
	}
	err = s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		return tx.InsertJob(ctx, BuildArchive{ActID: actID, PersonID: by.PersonID, UpdateID: updateID})
	})
	if err != nil {
		return fmt.Errorf("order archive of act %d: %w", actID, err)
	}
	return nil
}

// GiveUp tells whoever waits for an archive that it could not be packed.
func (s *Archives) GiveUp(ctx context.Context, j BuildArchive) error {
	return giveUp(ctx, s.store, j.PersonID, FailedNotice{Job: j.Kind(), ActID: j.ActID})
}

// archiveFile is one file of an archive.
type archiveFile struct {
	Name     string
	SHA      string // of what is packed
	Original string // of what came in, when it differs
	Size     int64
}

// Build is the job BuildArchive. Who asked must still be allowed to see the act.
func (s *Archives) Build(ctx context.Context, j BuildArchive) error {
	by, err := s.store.ActorByID(ctx, j.PersonID)
	if err == nil {
		err = s.build(ctx, by, j)
	}
	if err != nil && AsError(err).Kind == NotFound {
		return nil // rights ended meanwhile
	}
	if err != nil {
		return fmt.Errorf("archive of act %d: %w", j.ActID, err)
	}
	return nil
}

func (s *Archives) build(ctx context.Context, by Actor, j BuildArchive) error {
	files, err := s.contents(ctx, by, j.ActID)
	if err != nil {
		return err
	}
	parts := splitParts(files, archivePart)
	notice := ArchiveNotice{ActID: j.ActID}
	var stored []File
	for _, part := range parts {
		f, err := s.pack(ctx, part, files)
		if err != nil {
			return err
		}
		stored, notice.Parts = append(stored, f), append(notice.Parts, f.SHA256)
	}
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		for _, f := range stored {
			if err := tx.SaveFile(ctx, f); err != nil {
				return err
			}
		}
		if err := tx.Enqueue(ctx, by.PersonID, notice, time.Time{}); err != nil {
			return err
		}
		return tx.JobDone(ctx, j) // else a crash would bring the archive twice
	})
}

// contents lists what belongs to the package of an act: the act and, once there
// is one, the journal with its screenshots.
func (s *Archives) contents(ctx context.Context, by Actor, actID int64) ([]archiveFile, error) {
	v, err := s.acts.View(ctx, by, actID)
	if err != nil {
		return nil, err
	}
	doc, err := s.acts.Document(ctx, by, actID, v.Act.Version)
	if err != nil {
		return nil, err
	}
	name, err := s.words("archive_act", doc.Name)
	if err != nil {
		return nil, err
	}
	out := []archiveFile{{Name: name, SHA: doc.SHA256, Size: doc.Size}}
	for _, jf := range v.Files {
		f, err := s.store.File(ctx, jf.CleanSHA)
		if err != nil {
			return nil, err
		}
		key, arg := "archive_journal", fileName(cleanName(jf, f.Type))
		if jf.Kind == KindScreenshot {
			key, arg = "archive_screenshots", fmt.Sprintf("%02d %s", jf.Position, arg)
		}
		if name, err = s.words(key, arg); err != nil {
			return nil, err
		}
		packed := archiveFile{Name: name, SHA: f.SHA256, Size: f.Size}
		if jf.FileSHA != jf.CleanSHA {
			packed.Original = jf.FileSHA
		}
		out = append(out, packed)
	}
	return out, nil
}

// splitParts fills parts in order, each up to limit bytes; a file that is larger
// has a part of its own.
func splitParts(files []archiveFile, limit int64) [][]archiveFile {
	var parts [][]archiveFile
	var size int64
	for _, f := range files {
		if parts == nil || size+f.Size > limit {
			parts, size = append(parts, nil), 0
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], f)
		size += f.Size
	}
	return parts
}

// archiveTime stands in every entry: the same files make the same archive.
var archiveTime = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

// pack writes one part into the file store. Every part has the manifest of all
// files, so that one that is missing is noticed.
func (s *Archives) pack(ctx context.Context, part, all []archiveFile) (File, error) {
	sha, size, err := putFrom(ctx, s.files, func(w io.Writer) error { return s.writeZip(ctx, w, part, all) })
	if err != nil {
		return File{}, fmt.Errorf("pack: %w", err)
	}
	return File{SHA256: sha, Size: size, Type: "application/zip"}, nil
}

func (s *Archives) writeZip(ctx context.Context, w io.Writer, part, all []archiveFile) error {
	z := zip.NewWriter(w)
	for _, f := range part {
		if err := s.addFile(ctx, z, f); err != nil {
			return fmt.Errorf("pack file: %w", err)
		}
	}
	entry, err := z.CreateHeader(&zip.FileHeader{Name: "SHA256SUMS.txt", Method: zip.Deflate, Modified: archiveTime})
	if err != nil {
		return fmt.Errorf("pack manifest: %w", err)
	}
	if _, err := entry.Write(manifest(all)); err != nil {
		return fmt.Errorf("pack manifest: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	return nil
}

// addFile stores a file as it is: PDFs and pictures are packed already.
func (s *Archives) addFile(ctx context.Context, z *zip.Writer, f archiveFile) error {
	entry, err := z.CreateHeader(&zip.FileHeader{Name: f.Name, Method: zip.Store, Modified: archiveTime})
	if err != nil {
		return err
	}
	blob, err := s.files.Open(ctx, f.SHA)
	if err != nil {
		return err
	}
	defer blob.Close()
	_, err = io.Copy(entry, blob)
	return err
}

// manifest lists the files in the form that sha256sum -c reads; the SHA-256 of a
// picture as it came, before its metadata was removed, stands in a comment.
func manifest(files []archiveFile) []byte {
	var b bytes.Buffer
	for _, f := range files {
		fmt.Fprintf(&b, "%s  %s\n", f.SHA, f.Name)
		if f.Original != "" {
			fmt.Fprintf(&b, "# original %s\n", f.Original)
		}
	}
	return b.Bytes()
}

// Parts returns the parts of an archive for whoever may see the act.
func (s *Archives) Parts(ctx context.Context, by Actor, n ArchiveNotice) (*Act, []Document, error) {
	a, err := s.store.Act(ctx, by, n.ActID)
	if err != nil {
		return nil, nil, fmt.Errorf("archive of act %d: %w", n.ActID, err)
	}
	var out []Document
	for _, sha := range n.Parts {
		f, err := s.store.File(ctx, sha)
		if err != nil {
			return nil, nil, fmt.Errorf("archive of act %d: %w", n.ActID, err)
		}
		out = append(out, storedDocument(s.acts.files, a.Number, f))
	}
	return a, out, nil
}
