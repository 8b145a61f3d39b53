package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"flowbot/service"
)

type showCommand struct {
	Subject string `arg:"" enum:"cohort,act,exam" help:"cohort, act or exam."`
	Number  string `arg:"" help:"As people name it, such as 118 or 118/1."`
	JSON    bool   `name:"json" help:"The only form there is."`
}

// Run prints what the service knows.
func (c *showCommand) Run(ctx context.Context, p *program) error {
	if !c.JSON {
		return usageError("missing flags: --json")
	}
	return p.with(ctx, func(i *installation) error {
		var shown any
		var err error
		switch c.Subject {
		case "act":
			shown, err = i.showAct(ctx, c.Number)
		case "exam":
			shown, err = i.showExam(ctx, c.Number)
		default:
			shown, err = i.showCohort(ctx, c.Number)
		}
		if err != nil && service.AsError(err).Kind == service.NotFound {
			return fmt.Errorf("no %s %s", c.Subject, c.Number)
		}
		if err != nil {
			return err
		}
		e := json.NewEncoder(p.out)
		e.SetEscapeHTML(false)
		return e.Encode(shown)
	})
}

// The shapes of show: what is not there is null.
type (
	shownName struct {
		ID   int64  `json:"id"`
		Name string `json:"name"`
	}
	shownGeneration struct {
		Status   service.GenerationStatus `json:"status"`
		Label    string                   `json:"label"`
		Eligible int                      `json:"eligible"`
	}
	shownActLine struct {
		Number string            `json:"number"`
		Status service.ActStatus `json:"status"`
		Label  string            `json:"label"`
	}
	shownFile struct {
		Kind        service.JournalKind `json:"kind"`
		Name        string              `json:"name"`
		Size        int64               `json:"size"` // bytes
		SHA256      string              `json:"sha256"`
		CleanSHA256 string              `json:"clean_sha256"` // what others get
		Pages       int                 `json:"pages"`
	}
	shownJournalVersion struct {
		Version    int         `json:"version"`
		UploadedAt string      `json:"uploaded_at"`
		UploadedBy *shownName  `json:"uploaded_by"`
		RejectedAt *string     `json:"rejected_at"`
		RejectedBy *shownName  `json:"rejected_by"`
		Comment    *string     `json:"comment"`
		Files      []shownFile `json:"files"`
	}
	shownJournal struct {
		Version  int                   `json:"version"`
		Versions []shownJournalVersion `json:"versions"`
	}
	shownCohort struct {
		Number      string          `json:"number"`
		Program     string          `json:"program"`
		ProgramKind *string         `json:"program_kind"`
		Hours       int             `json:"hours"`
		Partner     shownName       `json:"partner"`
		Start       service.Day     `json:"start"`
		End         service.Day     `json:"end"`
		Generation  shownGeneration `json:"generation"`
		Acts        []shownActLine  `json:"acts"`
		Journal     *shownJournal   `json:"journal"`
	}
	shownLearner struct {
		Number             string       `json:"number"`
		Name               string       `json:"name"`
		DocumentType       int          `json:"document_type"`
		DocumentSeries     *string      `json:"document_series"`
		DocumentNumber     string       `json:"document_number"`
		RegistrationNumber string       `json:"registration_number"`
		DocumentOn         service.Day  `json:"document_on"`
		SentOn             *service.Day `json:"sent_on"`
		InFRDO             bool         `json:"in_frdo"`
	}
	shownStep struct {
		At             string     `json:"at"`
		By             *shownName `json:"by"` // null: the program itself
		Event          string     `json:"event"`
		From           *string    `json:"from"`
		To             *string    `json:"to"`
		Comment        *string    `json:"comment"`
		Version        *int       `json:"version"`
		JournalVersion *int       `json:"journal_version"`
	}
	shownAct struct {
		Number         string            `json:"number"`
		Cohort         string            `json:"cohort"`
		Version        int               `json:"version"`
		Status         service.ActStatus `json:"status"`
		Label          string            `json:"label"`
		JournalVersion *int              `json:"journal_version"`
		DueOn          *service.Day      `json:"due_on"`
		Reviewer       *shownName        `json:"reviewer"`
		Comment        *string           `json:"comment"`
		SHA256         *string           `json:"sha256"` // of the printed document; null while it is being printed
		Learners       []shownLearner    `json:"learners"`
		History        []shownStep       `json:"history"`
	}
	shownProtocol struct {
		Number  *string                `json:"number"`
		Date    *service.Day           `json:"date"`
		Status  service.ProtocolStatus `json:"status"`
		Label   string                 `json:"label"`
		Version *int                   `json:"version"`
		Comment *string                `json:"comment"` // of the last rejection
		SHA256  *string                `json:"sha256"`  // of the newest version
	}
	shownApplication struct {
		Number             string                    `json:"number"`
		Level              service.Level             `json:"level"`
		Name               string                    `json:"name"`
		Status             service.ApplicationStatus `json:"status"`
		Label              string                    `json:"label"`
		Outcome            *service.Outcome          `json:"outcome"`
		Violations         *service.Violations       `json:"violations"`
		Comment            *string                   `json:"comment"`
		RegistrationNumber *string                   `json:"registration_number"`
		IssuedOn           *service.Day              `json:"issued_on"`
		ValidUntil         *service.Day              `json:"valid_until"`
		Unlimited          bool                      `json:"unlimited"`
		BlankSeries        *string                   `json:"blank_series"`
		BlankNumber        *string                   `json:"blank_number"`
		Scan               *string                   `json:"scan"`          // SHA-256 of what the candidate gets
		ScanEvidence       *shownPage                `json:"scan_evidence"` // the page from which it came; null: a person loaded it
		HandedOn           *service.Day              `json:"handed_on"`
		Linked             bool                      `json:"linked"`     // the candidate is known in chat
		DeliverAt          *string                   `json:"deliver_at"` // until when the scan is held; null: it is not to be sent
		DeliveredAt        *string                   `json:"delivered_at"`
		Deliveries         []shownDelivery           `json:"deliveries"` // copies that were asked for included
	}
	shownDelivery struct {
		SentAt     string     `json:"sent_at"`
		Confirmed  bool       `json:"confirmed"` // by the messenger; false: staff say that it has arrived
		Recall     *string    `json:"recall"`    // asked, done, failed, unknown
		RecalledAt *string    `json:"recalled_at"`
		RecalledBy *shownName `json:"recalled_by"`
	}
	shownPause struct {
		At string    `json:"at"`
		By shownName `json:"by"`
	}
	shownExam struct {
		Number                 string                    `json:"number"`
		Center                 shownName                 `json:"center"`
		Date                   service.Day               `json:"date"`
		Time                   *string                   `json:"time"`
		Venue                  *string                   `json:"venue"`
		Address                string                    `json:"address"`
		Protocol               shownProtocol             `json:"protocol"`
		CertificateStatus      service.CertificateStatus `json:"certificate_status"`
		CertificateStatusLabel string                    `json:"certificate_status_label"`
		Paused                 *shownPause               `json:"paused"` // since when nothing is delivered
		Applications           []shownApplication        `json:"applications"`
		ScanPages              []shownPage               `json:"scan_pages"` // all that were sent, whatever became of them
		History                []shownStep               `json:"history"`
	}
)

// present is nil for what is not there.
func present[T comparable](v T) *T {
	var none T
	if v == none {
		return nil
	}
	return &v
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func (i *installation) person(ctx context.Context, id int64) (*shownName, error) {
	if id == 0 {
		return nil, nil //nolint:nilnil // nobody is an answer
	}
	p, err := i.db.Person(ctx, id)
	if err != nil {
		return nil, err
	}
	return &shownName{p.ID, p.Name}, nil
}

func (i *installation) showCohort(ctx context.Context, number string) (*shownCohort, error) {
	c, err := i.db.CohortByNumber(ctx, service.CommandLine, number)
	if err != nil {
		return nil, err
	}
	v, err := i.acts.Cohort(ctx, service.CommandLine, c.ID)
	if err != nil {
		return nil, err
	}
	out := &shownCohort{
		Number: c.Number, Program: c.Program, ProgramKind: present(c.ProgramKind), Hours: c.Hours,
		Partner: shownName{v.Partner.ID, v.Partner.Name}, Start: c.StartOn, End: c.EndOn,
		Generation: shownGeneration{Status: v.Generation.Status, Eligible: v.Generation.Eligible},
		Acts:       []shownActLine{},
	}
	if out.Generation.Label, err = i.texts.Label("generation_status", string(v.Generation.Status)); err != nil {
		return nil, err
	}
	for k := range v.Acts {
		a := &v.Acts[k]
		label, err := i.texts.Label("act_status", string(a.Status))
		if err != nil {
			return nil, err
		}
		out.Acts = append(out.Acts, shownActLine{a.Number, a.Status, label})
	}
	out.Journal, err = i.showJournal(ctx, c.ID)
	return out, err
}

func (i *installation) showJournal(ctx context.Context, cohortID int64) (*shownJournal, error) {
	versions, err := i.db.Journals(ctx, cohortID)
	if err != nil || len(versions) == 0 {
		return nil, err
	}
	out := &shownJournal{Version: versions[len(versions)-1].Version}
	for k := range versions {
		j := &versions[k]
		v := shownJournalVersion{
			Version: j.Version, UploadedAt: instant(j.UploadedAt), Comment: present(j.Comment), Files: []shownFile{},
		}
		if j.RejectedAt != nil {
			v.RejectedAt = present(instant(*j.RejectedAt))
		}
		if v.UploadedBy, err = i.person(ctx, j.UploadedBy); err != nil {
			return nil, err
		}
		if v.RejectedBy, err = i.person(ctx, j.RejectedBy); err != nil {
			return nil, err
		}
		files, err := i.db.JournalFiles(ctx, j.ID)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			v.Files = append(v.Files, shownFile{f.Kind, f.Name, f.Size, f.FileSHA, f.CleanSHA, f.Pages})
		}
		out.Versions = append(out.Versions, v)
	}
	return out, nil
}

// maxSteps is more than an act can gather in its life.
const maxSteps = 100_000

func (i *installation) showAct(ctx context.Context, number string) (*shownAct, error) {
	a, err := i.db.ActByNumber(ctx, service.CommandLine, number)
	if err != nil {
		return nil, err
	}
	c, err := i.db.Cohort(ctx, service.CommandLine, a.CohortID)
	if err != nil {
		return nil, err
	}
	version, err := i.db.ActVersion(ctx, a.ID, a.Version)
	if err != nil {
		return nil, err
	}
	var form service.ActForm
	if err := json.Unmarshal(version.Form, &form); err != nil {
		return nil, fmt.Errorf("form of act %d: %w", a.ID, err)
	}
	steps, err := i.db.HistoryOf(ctx, service.SubjectAct, a.ID, maxSteps)
	if err != nil {
		return nil, err
	}
	out := &shownAct{
		Number: a.Number, Cohort: c.Number, Version: a.Version, Status: a.Status,
		JournalVersion: present(a.JournalVersion), DueOn: present(a.DueOn), Comment: present(a.Comment),
		SHA256: present(version.FileSHA), Learners: []shownLearner{},
	}
	if out.Label, err = i.texts.Label("act_status", string(a.Status)); err != nil {
		return nil, err
	}
	if out.Reviewer, err = i.person(ctx, a.ReviewerID); err != nil {
		return nil, err
	}
	for _, l := range form.Learners {
		out.Learners = append(out.Learners, shownLearner{
			Number: l.Number, Name: l.Name, DocumentType: l.DocType, DocumentSeries: present(l.Series),
			DocumentNumber: l.DocNumber, RegistrationNumber: l.RegistrationNumber, DocumentOn: l.IssuedOn,
			SentOn: l.SentOn, InFRDO: l.InFRDO,
		})
	}
	out.History = shownSteps(steps)
	return out, nil
}

func shownSteps(steps []service.History) []shownStep {
	out := []shownStep{}
	for k := range steps {
		h := &steps[k]
		s := shownStep{
			At: instant(h.At), Event: h.Event, From: present(h.FromStatus), To: present(h.ToStatus),
			Comment: present(h.Comment), Version: present(h.Version), JournalVersion: present(h.JournalVersion),
		}
		if h.PersonID != 0 {
			s.By = &shownName{h.PersonID, h.By}
		}
		out = append(out, s)
	}
	return out
}

func (i *installation) showExam(ctx context.Context, number string) (*shownExam, error) {
	v, err := i.exams.ViewByNumber(ctx, service.CommandLine, number)
	if err != nil {
		return nil, err
	}
	e := &v.Exam
	out := &shownExam{
		Number: e.Number, Center: shownName{v.Org.ID, v.Org.Name}, Date: e.HeldOn, Time: present(e.HeldAt), Venue: present(e.Venue),
		Address: e.Address, CertificateStatus: e.CertificateStatus, Applications: []shownApplication{},
		Protocol: shownProtocol{Status: e.ProtocolStatus, Version: present(e.ProtocolVersion), Comment: present(e.ProtocolComment)},
	}
	if e.PausedAt != nil {
		out.Paused = &shownPause{instant(*e.PausedAt), shownName{e.PausedBy, v.PausedBy}}
	}
	if p := v.Protocol; p != nil {
		out.Protocol.Number, out.Protocol.Date, out.Protocol.SHA256 = &p.Number, &p.DatedOn, &p.CleanSHA
	}
	if out.Protocol.Label, err = i.texts.Label("protocol_status", string(e.ProtocolStatus)); err != nil {
		return nil, err
	}
	if out.CertificateStatusLabel, err = i.texts.Label("certificate_status", string(e.CertificateStatus)); err != nil {
		return nil, err
	}
	list, err := i.db.Applications(ctx, e.ID)
	if err != nil {
		return nil, err
	}
	scans, err := i.db.LoadedScans(ctx, e.ID)
	if err != nil {
		return nil, err
	}
	if out.ScanPages, err = i.showPages(ctx, e.ID, list); err != nil {
		return nil, err
	}
	evidence := evidenceOf(out.ScanPages)
	for k := range list {
		a, err := i.showApplication(&list[k], scans[list[k].ID])
		if err != nil {
			return nil, err
		}
		if list[k].ScanID != 0 {
			if a.Deliveries, err = i.showDeliveries(ctx, list[k].ID); err != nil {
				return nil, err
			}
		}
		a.ScanEvidence = evidence[list[k].ScanID]
		out.Applications = append(out.Applications, a)
	}
	steps, err := i.db.HistoryOf(ctx, service.SubjectExam, e.ID, maxSteps)
	if err != nil {
		return nil, err
	}
	out.History = shownSteps(steps)
	return out, nil
}

// mostDeliveries is how many deliveries of an application are shown, the newest.
const mostDeliveries = 100

func (i *installation) showDeliveries(ctx context.Context, applicationID int64) ([]shownDelivery, error) {
	list, err := i.db.DeliveriesOf(ctx, applicationID, mostDeliveries)
	if err != nil {
		return nil, err
	}
	out := []shownDelivery{}
	for _, d := range slices.Backward(list) {
		s := shownDelivery{SentAt: instant(d.SentAt), Confirmed: d.MessageID != 0, Recall: present(string(d.Recall))}
		if d.RecalledAt != nil {
			s.RecalledAt = present(instant(*d.RecalledAt))
		}
		if d.RecalledBy != 0 {
			p, err := i.db.Person(ctx, d.RecalledBy)
			if err != nil {
				return nil, err
			}
			s.RecalledBy = &shownName{p.ID, p.Name}
		}
		out = append(out, s)
	}
	return out, nil
}

func (i *installation) showApplication(a *service.Application, scan string) (shownApplication, error) {
	out := shownApplication{
		Number: a.Number, Level: a.Level, Name: a.Name(), Status: a.Status(),
		Outcome: present(a.Outcome), Violations: present(a.Violations), Comment: present(a.ResultComment),
		RegistrationNumber: present(a.RegistrationNumber), IssuedOn: present(a.IssuedOn), ValidUntil: present(a.ValidUntil),
		Unlimited: a.Unlimited(), BlankSeries: present(a.BlankSeries), BlankNumber: present(a.BlankNumber), Scan: present(scan),
		HandedOn: present(a.HandedOn), Linked: a.PersonID != 0, Deliveries: []shownDelivery{},
	}
	if a.DeliverAt != nil {
		out.DeliverAt = present(instant(*a.DeliverAt))
	}
	if a.DeliveredAt != nil {
		out.DeliveredAt = present(instant(*a.DeliveredAt))
	}
	var err error
	out.Label, err = i.texts.Label("application_status", string(a.Status()))
	return out, err
}
