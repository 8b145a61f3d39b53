// Package service holds what the organisations do with acts, journals, exams,
// certificates and the people who handle them: its words, its rules and its use cases. It knows
// neither Telegram nor SQL.
//
// Glossary (left: the word people use; right: the word here, in the tables, in
// the texts' names and in the buttons' data):
//
//	Образовательный партнёр (ОП)   partner, a kind of Org
//	Федеральный оператор (ФО)      operator, a kind of Org
//	Центр тестирования (ЦТ)        center, a kind of Org
//	Представитель партнёра         role partner_rep
//	Представитель оператора        role operator_rep
//	Сотрудник центра тестирования  role center_staff
//	Сдающий                        role candidate
//	Администратор                  role admin
//	Поток                          Cohort: one training period
//	Слушатель                      Learner: a person trained in a cohort
//	Акт                            Act: services rendered for some learners
//	Журнал                         Journal: one version of a cohort's journal
//	Скриншоты                      screenshots: JournalFile of kind screenshot
//	Пакет документов               package: act, journal and screenshots
//	Приглашение                    Invitation
//	Уведомление                    Notice: a message on its way, a row of the outbox
//	Черновик                       Draft: a conversation begun and not finished
//	История                        History: what happened to a thing, by whom
//	Неполадки                      troubles: what could not be delivered or done
//	Экзамен                        Exam: one session at one place on one date
//	Заявка                         Application: one candidate at one exam
//	Результат, нарушения           Outcome, Violations
//	Протокол                       Protocol: the commission's record of an exam
//	Регистрационный номер          registration number, given by ФИС ФРДО
//	ФИС ФРДО                       frdo
//	Сертификат                     Certificate: what is printed on one blank
//	Печать                         Printing: one PDF made for strict blanks
//	Бланк                          Blank: numbered form, accountable one by one
//	Профиль бланка                 BlankProfile: a printing house's layout
//	Скан                           Scan: picture of a printed, signed certificate
//	Пачка сканов                   ScanBatch of ScanPages: one upload
//	Нераспознанные                 ScanQuestions: pages that a person decides on
//	Листовка с QR                  Slip: a candidate's one-use link on paper
//	Поиск заявки                   Claim: what somebody says to be linked to it
//	Выдача                         handover of the paper; Delivery of the scan in chat
//	Файл к экзамену                Upload: a file sent in chat for something of an exam
//	Страница загрузки              UploadLink: an address of our own for files too large for the chat
//
// Two counters are never confused: Version is the domain's version of an act's
// document or of a journal; Revision counts the changes of a row, is carried by
// buttons and guards against stale ones.
package service

import (
	"context"
	"slices"
	"time"
)

// Role is a permission set that a membership gives to a person.
type Role string

// The roles.
const (
	RoleAdmin       Role = "admin"        // organisations, people, imports, operation
	RolePartnerRep  Role = "partner_rep"  // generates acts, sends the journal
	RoleOperatorRep Role = "operator_rep" // approves or rejects packages
	RoleCenterStaff Role = "center_staff" // exams and certificates of a center
	RoleCandidate   Role = "candidate"    // receives the own certificate

	// roleSystem is the role of the program itself. No membership can hold it.
	roleSystem Role = "system"
)

// Seat is one role of one person in one organisation.
type Seat struct {
	Role  Role
	OrgID int64 // 0 for admins and candidates, who belong to no organisation
}

// Actor is who asks. Every use case takes one, right after the context; it is
// never hidden in the context, so no call can forget it. The zero Actor has no
// rights.
type Actor struct {
	PersonID    int64
	Name        string // for texts only
	Language    string // of the texts, such as "ru"
	Zone        string // IANA time zone in which this person reads dates
	Unreachable bool   // their chat refused our last message, see People.MarkReachable
	Seats       []Seat
}

// Has reports whether the actor holds r in any organisation.
func (a Actor) Has(r Role) bool {
	return slices.ContainsFunc(a.Seats, func(s Seat) bool { return s.Role == r })
}

// In reports whether the actor holds r in the organisation.
func (a Actor) In(r Role, orgID int64) bool { return slices.Contains(a.Seats, Seat{r, orgID}) }

// Orgs lists the organisations in which the actor holds r.
func (a Actor) Orgs(r Role) []int64 {
	var out []int64
	for _, s := range a.Seats {
		if s.Role == r {
			out = append(out, s.OrgID)
		}
	}
	return out
}

// System is the actor of what the clock does by itself. History shows no person
// for it.
var System = Actor{Seats: []Seat{{Role: roleSystem}}}

// IsSystem reports whether the program itself acts.
func (a Actor) IsSystem() bool { return a.PersonID == 0 && a.Has(roleSystem) }

// Clock tells the time. Rules never ask another.
type Clock func() time.Time

// Queries is everything that can be asked of the store, inside a transaction or
// outside. Lists take a limit; what is not there, or not visible to the actor
// who is named in the question, is a NotFound error.
type Queries interface {
	PeopleQueries
	CohortQueries
	ActQueries
	ListQueries
	TaskQueries
	QueueQueries
	HistoryQueries
	DraftQueries
	CardQueries
	NoticeQueries
	UpdateQueries
	FileQueries
	CalendarQueries
	TickQueries
	JobQueries
	ExamQueries
	CenterQueries
	ProtocolQueries
	FrdoQueries
	CertificateQueries
	BlankQueries
	ScanQueries
	ScanBatchQueries
	ScanQuestionQueries
	CandidateQueries
	DeliveryQueries
	UploadQueries
	UploadLinkQueries
}

// Store is what the service asks of a database.
type Store interface {
	Queries
	// InTx runs fn in one transaction and commits if fn returns nil. fn may run
	// again after a serialization failure, so it keeps no state outside.
	InTx(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error
}

// Tx is everything that can be done inside one transaction.
type Tx interface {
	Queries
	PeopleCommands
	CohortCommands
	ImportCommands
	ActCommands
	HistoryCommands
	DraftCommands
	CardCommands
	NoticeCommands
	UpdateCommands
	FileCommands
	CalendarCommands
	TickCommands
	JobCommands
	ExamCommands
	CenterCommands
	ExamImportCommands
	ProtocolCommands
	CertificateCommands
	FrdoCommands
	BlankCommands
	ScanCommands
	ScanBatchCommands
	ScanQuestionCommands
	CandidateCommands
	DeliveryCommands
	UploadCommands
	UploadLinkCommands
}

// Job is slow work, done by a worker after the transaction that asked for it
// has committed. Its fields are stored as JSON: ids, never names or documents.
// A job runs at least once, so doing it twice must be harmless.
type Job interface {
	// Kind is the stable name under which the job is stored.
	Kind() string
}

// JobQueries asks for jobs that failed.
type JobQueries interface {
	// DeadJobs lists jobs that have used up their attempts, newest first, from
	// offset on, at most limit.
	DeadJobs(ctx context.Context, offset, limit int) ([]Trouble, error)
	// DeadJobsCount counts them.
	DeadJobsCount(ctx context.Context) (int, error)
}

// JobCommands changes the queue of jobs.
type JobCommands interface {
	// InsertJob promises that the job will be worked if, and only if, the
	// transaction commits. The same job that still waits is not doubled, nor is
	// one that the same update (update_id among its fields) has asked for. One that
	// was to be worked later is worked at once.
	InsertJob(ctx context.Context, j Job) error
	// InsertJobLater is InsertJob for a job that begins after a while: a few seconds
	// later than that if need be. One that waits already stays as it is.
	InsertJobLater(ctx context.Context, j Job, after time.Duration) error
	// JobDone ends the running job j together with the transaction that has its
	// effect: a process that dies before the queue hears of it does not have the
	// job worked again. A job that nobody runs is left alone.
	JobDone(ctx context.Context, j Job) error
	// EndDeadJob has a dead job worked again, or forgets it. It reports false for
	// a job that is not dead.
	EndDeadJob(ctx context.Context, id int64, retry bool) (bool, error)
}
