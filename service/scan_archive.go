package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"
)

// The reasons for which a file of an archive is not loaded. They stand in the
// report.
const (
	ReasonScanStranger  Reason = "scan.stranger"   // no application of this exam has this number
	ReasonScanAmbiguous Reason = "scan.ambiguous"  // several numbers can be meant
	ReasonScanTwice     Reason = "scan.twice"      // two files for one application
	ReasonScanNoNumber  Reason = "scan.no_number"  // the application has no registration number yet
	ReasonScanNothing   Reason = "scan.nothing"    // no file can be loaded
	ReasonScanChanged   Reason = "scan.changed"    // the report has changed since it was shown
	ReasonScanNotPaper  Reason = "scan.not_a_scan" // neither a PDF nor a picture
)

// archivedScan is a file of an archive that was looked at. The list of them is
// what an archive becomes in the file store.
type archivedScan struct {
	Name    string
	Refusal Reason // "" when it can be a scan
	File    string // SHA-256 of what came
	Clean   string // SHA-256 of what the candidate gets
}

// ArchiveProgressNotice tells how far the look at a large archive has come.
type ArchiveProgressNotice struct {
	UploadID int64 `json:"upload_id"`
	Done     int   `json:"done"`
	All      int   `json:"all"`
}

// NoticeKind names the notice.
func (ArchiveProgressNotice) NoticeKind() string { return "scan_archive" }

// NoticeLane is the lane of answers.
func (ArchiveProgressNotice) NoticeLane() Lane { return LaneAnswer }

// NoticeKey keeps the newest count.
func (ArchiveProgressNotice) NoticeKey() string { return "scan_archive" }

// archiveStep is after how many files of an archive its sender hears of it: some
// seconds.
const archiveStep = 25

// examineArchive is the Examiner of an archive of scans: it unpacks it, looks at
// each file as at a single one and stores what can be used.
func (s *Scans) examineArchive(ctx context.Context, _ Actor, u *Upload, local string) (File, int, error) {
	var list []archivedScan
	var originals []File
	err := s.uploads.in.foreign.Unpack(ctx, local, func(e ArchiveEntry, content io.Reader) error {
		item, f := archivedScan{Name: e.Name, Refusal: e.Refusal}, File{Type: "application/octet-stream"}
		if e.Refusal == "" {
			var err error
			if f.SHA256, f.Size, err = s.files.Put(ctx, content); err != nil {
				return fmt.Errorf("store entry: %w", err)
			}
			item.File = f.SHA256
		}
		list, originals = append(list, item), append(originals, f)
		return nil
	})
	if err != nil {
		return File{}, 0, err
	}
	for i := range list {
		if list[i].Refusal == "" {
			if err := s.examineEntry(ctx, &list[i], originals[i]); err != nil {
				return File{}, 0, fmt.Errorf("entry %d: %w", i, err)
			}
		}
		if done := i + 1; len(list) > archiveStep && (done%archiveStep == 0 || done == len(list)) {
			if err := s.tellProgress(ctx, ArchiveProgressNotice{UploadID: u.ID, Done: done, All: len(list)}, u.PersonID); err != nil {
				return File{}, 0, err
			}
		}
	}
	manifest, err := json.Marshal(list)
	if err != nil {
		return File{}, 0, err
	}
	sha, size, err := s.files.Put(ctx, bytes.NewReader(manifest))
	if err != nil {
		return File{}, 0, fmt.Errorf("store list: %w", err)
	}
	return File{SHA256: sha, Size: size, Type: "application/json"}, 0, nil
}

// examineEntry looks at one file and records what was stored of it.
func (s *Scans) examineEntry(ctx context.Context, item *archivedScan, original File) error {
	local, release, err := s.files.Local(ctx, original.SHA256)
	if err != nil {
		return fmt.Errorf("file at hand: %w", err)
	}
	defer release()
	found, err := s.uploads.in.paper(ctx, original, local, false)
	switch {
	case err == nil:
	case AsError(err).Kind == Internal:
		return err
	default:
		item.Refusal = ReasonOf(err)
		if item.Refusal == ReasonFileNotPDF || item.Refusal == ReasonFileNotPicture {
			item.Refusal = ReasonScanNotPaper
		}
		return nil
	}
	item.Clean = found.clean.SHA256
	return s.store.InTx(ctx, found.save)
}

func (s *Scans) tellProgress(ctx context.Context, n ArchiveProgressNotice, personID int64) error {
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error { return tx.Enqueue(ctx, personID, n, time.Time{}) })
	if err != nil {
		return fmt.Errorf("tell progress: %w", err)
	}
	return nil
}

// Progress returns the archive that a notice is about and whether it is still
// being looked at.
func (s *Scans) Progress(ctx context.Context, by Actor, n ArchiveProgressNotice) (*Upload, bool, error) {
	u, err := s.store.Upload(ctx, n.UploadID)
	if err != nil {
		return nil, false, fmt.Errorf("archive %d: %w", n.UploadID, err)
	}
	if u.PersonID != by.PersonID {
		return nil, false, refuse(NotFound, ReasonNotFound)
	}
	return u, u.State == UploadWaiting, nil
}

// ArchiveReport tells what would become of each file of an archive.
type ArchiveReport struct {
	Exam   Exam
	Ready  []ArchiveLine // by the names of the files
	Faults []ArchiveGroup
}

// ArchiveLine is a file and the application that it is a scan for.
type ArchiveLine struct {
	Name        string // of the file
	Application Application

	scan archivedScan
}

// ArchiveGroup is the files that are not loaded for one reason.
type ArchiveGroup struct {
	Reason Reason
	Names  []string
}

// archiveOrder is the order in which a report names what is not loaded.
var archiveOrder = []Reason{
	ReasonScanStranger, ReasonScanAmbiguous, ReasonScanTwice, ReasonScanNotEntitled, ReasonScanNoNumber, ReasonScanLoaded,
}

// scanEndings are what the names of scans end with.
var scanEndings = []string{".pdf", ".jpg", ".jpeg", ".png", ".heic", ".heif", ".webp", ".tif", ".tiff", ".bmp", ".gif"}

// IsArchive reports whether a file's name says that it is an archive. It decides
// only which conversation a file starts; what the file is, its content says.
func IsArchive(name string) bool { return strings.EqualFold(path.Ext(name), ".zip") }

// scanKey makes the name of a file and the number of an application comparable:
// what no file name may have is a hyphen there.
func scanKey(number string) string { return strings.ToLower(fileName(number)) }

// scanName is the name of a file without its ending.
func scanName(name string) string {
	if ext := path.Ext(name); slices.Contains(scanEndings, strings.ToLower(ext)) {
		name = strings.TrimSuffix(name, ext)
	}
	return strings.TrimSpace(name)
}

// numberedElsewhere tells which files are called, to the letter, as applications
// of other exams.
func numberedElsewhere(ctx context.Context, q Queries, list []archivedScan, examID int64) (map[string]bool, error) {
	names := make([]string, 0, len(list))
	for _, item := range list {
		names = append(names, scanName(item.Name))
	}
	numbers, err := q.NumbersElsewhere(ctx, examID, names)
	if err != nil {
		return nil, err
	}
	out := make(map[string]bool, len(numbers))
	for _, n := range numbers {
		out[n] = true
	}
	return out, nil
}

// matchArchive finds the application of each file. A pure function over the
// exam's closed list; elsewhere are the names that are numbers of other exams: a
// file 12-1 is not taken for the application 12/1 while there is a 12-1 anywhere.
func matchArchive(list []archivedScan, applications []Application, elsewhere map[string]bool) (ready []ArchiveLine, faults []ArchiveGroup) {
	byKey := make(map[string][]*Application, len(applications))
	for i := range applications {
		k := scanKey(applications[i].Number)
		byKey[k] = append(byKey[k], &applications[i])
	}
	claims := make(map[int64]int, len(list)) // files for each application
	reasons := make([]Reason, len(list))
	found := make([]*Application, len(list))
	for i, item := range list {
		name := scanName(item.Name)
		meant := byKey[scanKey(name)]
		switch {
		case len(meant) == 0 && item.Refusal != "": // it was not meant to be a scan, most likely
			reasons[i] = item.Refusal
		case len(meant) == 0:
			reasons[i] = ReasonScanStranger
		case len(meant) > 1, elsewhere[name]:
			reasons[i] = ReasonScanAmbiguous
		default:
			found[i] = meant[0]
			claims[meant[0].ID]++
		}
	}
	groups := make(map[Reason][]string)
	for i, item := range list {
		if a := found[i]; a != nil {
			reasons[i] = archiveFault(item, a, claims[a.ID])
		}
		if reasons[i] == "" {
			ready = append(ready, ArchiveLine{item.Name, *found[i], item})
			continue
		}
		groups[reasons[i]] = append(groups[reasons[i]], item.Name)
	}
	slices.SortFunc(ready, func(a, b ArchiveLine) int { return strings.Compare(a.Name, b.Name) })
	order := slices.Clone(archiveOrder)
	for _, r := range reasons { // what is wrong with a file itself
		if r != "" && !slices.Contains(order, r) {
			order = append(order, r)
		}
	}
	for _, r := range order {
		if names := groups[r]; names != nil {
			slices.Sort(names)
			faults = append(faults, ArchiveGroup{r, names})
		}
	}
	return ready, faults
}

// NamedFor tells whose number the name of a file for an application is when it is
// another's: one of the same exam, or one that the actor may see. "" is nobody's.
func (s *Scans) NamedFor(ctx context.Context, by Actor, applicationID int64, file string) (string, error) {
	name, other := scanName(file), ""
	err := s.look(ctx, by, applicationID, func(e *Exam, a *Application) error {
		if scanKey(name) == scanKey(a.Number) {
			return nil
		}
		list, err := s.store.Applications(ctx, e.ID)
		if err != nil {
			return fmt.Errorf("applications of exam %d: %w", e.ID, err)
		}
		for i := range list {
			if scanKey(list[i].Number) == scanKey(name) {
				other = list[i].Number
				return nil
			}
		}
		found, err := s.store.ApplicationByNumber(ctx, by, name)
		switch {
		case err == nil:
			other = found.Number
		case AsError(err).Kind != NotFound:
			return fmt.Errorf("application by its number: %w", err)
		}
		return nil
	})
	return other, err
}

// archiveFault says why a file is not loaded for the application that it names,
// "" when it is.
func archiveFault(item archivedScan, a *Application, claims int) Reason {
	switch {
	case item.Refusal != "":
		return item.Refusal
	case claims > 1:
		return ReasonScanTwice
	case !a.Entitled():
		return ReasonScanNotEntitled
	case a.ScanID != 0:
		return ReasonScanLoaded
	case a.RegistrationNumber == "":
		return ReasonScanNoNumber
	}
	return ""
}

// archived reads the list that an accepted archive became.
func (s *Scans) archived(ctx context.Context, u *Upload) (list []archivedScan, err error) {
	r, err := s.files.Open(ctx, u.CleanSHA)
	if err != nil {
		return nil, fmt.Errorf("open list: %w", err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if err := json.NewDecoder(r).Decode(&list); err != nil {
		return nil, fmt.Errorf("read list: %w", err)
	}
	return list, nil
}

// Archive reports what would become of each file of the actor's accepted archive
// for an exam. Nothing is written.
func (s *Scans) Archive(ctx context.Context, by Actor, examID int64) (*ArchiveReport, error) {
	e, err := s.store.Exam(ctx, by, examID)
	if err != nil {
		return nil, fmt.Errorf("archive of exam %d: %w", examID, err)
	}
	if err := isStaffOf(by, e.CenterID); err != nil {
		return nil, err
	}
	u, err := s.uploads.Current(ctx, by, UploadArchive, examID)
	switch {
	case err != nil:
		return nil, fmt.Errorf("archive of exam %d: %w", examID, err)
	case u == nil || u.State == UploadRefused:
		return nil, refuse(Invalid, ReasonUploadMissing)
	case u.State != UploadAccepted:
		return nil, refuse(Invalid, ReasonUploadPending)
	}
	list, err := s.archived(ctx, u)
	if err != nil {
		return nil, fmt.Errorf("archive of exam %d: %w", examID, err)
	}
	applications, err := s.store.Applications(ctx, examID)
	if err != nil {
		return nil, fmt.Errorf("archive of exam %d: %w", examID, err)
	}
	elsewhere, err := numberedElsewhere(ctx, s.store, list, examID)
	if err != nil {
		return nil, fmt.Errorf("archive of exam %d: %w", examID, err)
	}
	out := &ArchiveReport{Exam: *e}
	out.Ready, out.Faults = matchArchive(list, applications, elsewhere)
	return out, nil
}

// LoadArchiveInput says which archive is loaded.
type LoadArchiveInput struct {
	ExamID   int64
	UploadID int64
	Ready    int // how many files the report that was shown had ready
}

// LoadArchive makes the files of the actor's accepted archive that are ready the
// scans of their applications, and returns the report as it was. When the report
// has changed since it was shown nothing is written.
func (s *Scans) LoadArchive(ctx context.Context, by Actor, in LoadArchiveInput) (*ArchiveReport, error) {
	var out *ArchiveReport
	err := inExam(ctx, s.store, s.now, by, in.ExamID, func(ctx context.Context, sc *examScene) error {
		u, err := useUpload(ctx, sc.tx, sc.by, in.UploadID, UploadArchive, in.ExamID)
		if err != nil {
			return err
		}
		list, err := s.archived(ctx, u)
		if err != nil {
			return err
		}
		applications, err := sc.tx.ApplicationsForUpdate(ctx, in.ExamID, nil)
		if err != nil {
			return err
		}
		elsewhere, err := numberedElsewhere(ctx, sc.tx, list, in.ExamID)
		if err != nil {
			return err
		}
		out = &ArchiveReport{Exam: *sc.exam}
		out.Ready, out.Faults = matchArchive(list, applications, elsewhere)
		switch {
		case len(out.Ready) == 0:
			return refuse(Invalid, ReasonScanNothing)
		case len(out.Ready) != in.Ready:
			return refuse(Invalid, ReasonScanChanged)
		}
		return s.loadAll(ctx, sc, out.Ready)
	})
	if err != nil {
		return nil, fmt.Errorf("load archive of exam %d: %w", in.ExamID, err)
	}
	return out, nil
}

// loadAll writes the scans of applications that have none.
func (s *Scans) loadAll(ctx context.Context, sc *examScene, ready []ArchiveLine) error {
	scans := make([]Scan, 0, len(ready))
	for i := range ready {
		scans = append(scans, Scan{
			ApplicationID: ready[i].Application.ID, Version: 1, FileName: ready[i].Name, FileSHA: ready[i].scan.File,
			CleanSHA: ready[i].scan.Clean, Source: ScanByArchive, LoadedBy: sc.by.PersonID, LoadedAt: sc.now,
		})
	}
	if err := sc.tx.InsertScans(ctx, scans); err != nil {
		return err
	}
	changed := make([]Application, 0, len(ready))
	for i := range ready {
		a := &ready[i].Application
		from := a.Status()
		a.ScanID, a.ScanSource = scans[i].ID, ScanByArchive
		a.Revision++
		if err := scheduleDelivery(ctx, sc, a, s.hold); err != nil {
			return err
		}
		if err := sc.note(ctx, SubjectApplication, a.ID, "load_archive", string(from), string(a.Status()), ""); err != nil {
			return err
		}
		changed = append(changed, *a)
	}
	return sc.tx.SaveApplications(ctx, changed)
}
