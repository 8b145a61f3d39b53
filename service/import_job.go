package service

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strings"
	"time"
)

// ImportFile is the job that loads a table which somebody sent in chat.
type ImportFile struct {
	PersonID int64  `json:"person_id"`
	ChatRef  string `json:"chat_ref"` // file_id in the chat
	UpdateID int64  `json:"update_id"`
}

// Kind names the job.
func (ImportFile) Kind() string { return "import_file" }

// JobOptions bound the tries: a person waits for the answer.
func (ImportFile) JobOptions() JobOptions { return JobOptions{MaxAttempts: 5} }

// ImportNotice brings the report of an import to whoever sent the table.
type ImportNotice struct {
	Result string `json:"result"`           // SHA-256 of the stored ImportResult
	Marked string `json:"marked,omitempty"` // SHA-256 of the table with its mistakes marked
}

// NoticeKind names the notice.
func (ImportNotice) NoticeKind() string { return "import" }

// NoticeLane is the lane of answers.
func (ImportNotice) NoticeLane() Lane { return LaneAnswer }

// NoticeKey keeps every one.
func (ImportNotice) NoticeKey() string { return "" }

// ImportResult is what came of an import. It is stored as a file, since it can
// name people: notices carry ids alone.
type ImportResult struct {
	Report  ImportReport
	Refusal string // words, when the file was no table that can be loaded
}

// maxImport is the most bytes of a table sent in chat. A sheet of 20,000 rows
// takes about 2 MB.
const maxImport = 20 << 20

// Say finds the words for a reason and its facts.
type Say func(reason Reason, data any) (string, error)

// ImportJobs loads tables that came by chat.
type ImportJobs struct {
	store   Store
	imports *Imports
	chat    ChatFiles
	files   FileStore
	say     Say
}

// NewImportJobs returns the use cases over the imports'.
func NewImportJobs(store Store, imports *Imports, chat ChatFiles, files FileStore, say Say) *ImportJobs {
	return &ImportJobs{store: store, imports: imports, chat: chat, files: files, say: say}
}

// IsTable reports whether a file's name says that it is a table. It decides only
// which conversation a file starts; what the file is, its content says.
func IsTable(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".xlsx", ".xlsm", ".xls", ".csv", ".tsv":
		return true
	}
	return false
}

// Order asks a worker to load a table that the actor sent. Whoever may import
// nothing is refused at once.
func (s *ImportJobs) Order(ctx context.Context, by Actor, updateID int64, ref string, size int64) error {
	if err := mayImport(by); err != nil {
		return err
	}
	if size > maxImport {
		return refuseWith(Invalid, ReasonFileOverLimit, FileBound{Limit: maxImport, Got: size})
	}
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		return tx.InsertJob(ctx, ImportFile{PersonID: by.PersonID, ChatRef: ref, UpdateID: updateID})
	})
	if err != nil {
		return fmt.Errorf("order import: %w", err)
	}
	return nil
}

// Work is the job ImportFile.
func (s *ImportJobs) Work(ctx context.Context, j ImportFile) error {
	by, err := s.store.ActorByID(ctx, j.PersonID)
	if err != nil {
		if AsError(err).Kind == NotFound {
			return nil // rights ended meanwhile
		}
		return fmt.Errorf("import for person %d: %w", j.PersonID, err)
	}
	var result ImportResult
	var marked bytes.Buffer
	reported, err := s.load(ctx, by, j, &result, &marked)
	switch {
	case reported:
		return nil
	case err == nil:
	case AsError(err).Kind == Internal:
		return fmt.Errorf("import for person %d: %w", j.PersonID, err)
	default:
		e := AsError(err)
		if result.Refusal, err = s.say(e.Reason, e.Data); err != nil {
			return err
		}
	}
	err = s.store.InTx(ctx, func(ctx context.Context, tx Tx) error { return s.report(ctx, tx, j, result, marked.Bytes()) })
	if err != nil {
		return fmt.Errorf("report import: %w", err)
	}
	return nil
}

// load loads the table. What it writes it reports in the same transaction, so
// that nobody hears «без изменений» of what a first try has changed.
func (s *ImportJobs) load(ctx context.Context, by Actor, j ImportFile, result *ImportResult, marked io.Writer) (reported bool, err error) {
	sha, _, err := putFrom(ctx, s.files, func(w io.Writer) error {
		_, err := s.chat.Fetch(ctx, j.ChatRef, w, maxImport)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("fetch table: %w", err)
	}
	local, release, err := s.files.Local(ctx, sha)
	if err != nil {
		return false, fmt.Errorf("table at hand: %w", err)
	}
	defer release()
	result.Report, err = s.imports.run(ctx, by, local, false, func(ctx context.Context, tx Tx, r ImportReport) error {
		return s.report(ctx, tx, j, ImportResult{Report: r}, nil)
	})
	if err != nil || !result.Report.Refused() {
		return err == nil, err
	}
	if err := result.Report.Word(s.say); err != nil {
		return false, err
	}
	return false, s.imports.Marked(ctx, local, &result.Report, marked)
}

// report stores what came of an import, lets whoever sent the table know, and
// ends the job.
func (s *ImportJobs) report(ctx context.Context, tx Tx, j ImportFile, result ImportResult, marked []byte) error {
	result.Report = result.Report.clone()
	for i := range result.Report.Bad {
		result.Report.Bad[i].Data = nil // the words are found
	}
	data, err := json.Marshal(result)
	if err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	n := ImportNotice{}
	for _, f := range []struct {
		data []byte
		kind string
		sha  *string
	}{{data, "application/json", &n.Result}, {marked, workbookType, &n.Marked}} {
		if len(f.data) == 0 {
			continue
		}
		if *f.sha, _, err = s.files.Put(ctx, bytes.NewReader(f.data)); err != nil {
			return fmt.Errorf("store report: %w", err)
		}
		if err := tx.SaveFile(ctx, File{SHA256: *f.sha, Size: int64(len(f.data)), Type: f.kind}); err != nil {
			return fmt.Errorf("store report: %w", err)
		}
	}
	if err := tx.Enqueue(ctx, j.PersonID, n, time.Time{}); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return tx.JobDone(ctx, j)
}

// GiveUp tells whoever sent a table that it could not be loaded.
func (s *ImportJobs) GiveUp(ctx context.Context, j ImportFile) error {
	return giveUp(ctx, s.store, j.PersonID, FailedNotice{Job: j.Kind()})
}

// Result returns what came of an import and, when it was refused for bad rows,
// the table with its mistakes marked.
func (s *ImportJobs) Result(ctx context.Context, n ImportNotice) (*ImportResult, *Document, error) {
	r, err := s.files.Open(ctx, n.Result)
	if err != nil {
		return nil, nil, fmt.Errorf("open report: %w", err)
	}
	defer r.Close()
	result := new(ImportResult)
	if err := json.NewDecoder(r).Decode(result); err != nil {
		return nil, nil, fmt.Errorf("read report: %w", err)
	}
	if n.Marked == "" {
		return result, nil, nil
	}
	return result, &Document{
		SHA256: n.Marked,
		Open:   func(ctx context.Context) (io.ReadCloser, error) { return s.files.Open(ctx, n.Marked) },
	}, nil
}
