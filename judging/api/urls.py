"""The routes below /api/v1. No trailing slashes; what no line matches is a 404 in problem+json."""

from django.urls import path, re_path

from judging.api.corpora.views import CorpusDetail, CorpusList
from judging.api.golden.views import (
    GoldenCheckCancel,
    GoldenCheckDetail,
    GoldenCheckList,
    GoldenSetDetail,
    GoldenSetList,
)
from judging.api.judges.provider_views import ProviderDetail, ProviderList, ProviderTest
from judging.api.judges.views import JudgeDetail, JudgeList, JudgeTemplateList, JudgeTest, JudgeVersionList
from judging.api.judging_runs.views import (
    JudgingItemList,
    JudgingRunCancel,
    JudgingRunDetail,
    JudgingRunEstimate,
    JudgingRunList,
    JudgingRunMakeCurrent,
    JudgingRunStart,
)
from judging.api.operations.finding import Find
from judging.api.operations.usage import MonthlyUsageDetail
from judging.api.people.views import (
    AuditList,
    InvitationDetail,
    InvitationList,
    Me,
    MemberDetail,
    MemberList,
    TokenDetail,
    TokenList,
)
from judging.api.probes.views import ProbeRunCancel, ProbeRunDetail, ProbeRunList
from judging.api.review.own_views import OwnViewDetail, OwnViewList
from judging.api.review.views import CandidateList, ConfirmMatching, JudgmentList, TakeBackConfirmed
from judging.api.runs.evaluation_views import EvaluationDetail, EvaluationList
from judging.api.runs.file_views import JudgingRunExport, JudgmentExport, JudgmentImport, QueryExport, RunExport
from judging.api.runs.tag_views import RunTags
from judging.api.runs.views import (
    RunDetail,
    RunImport,
    RunList,
    RunLock,
    RunQueryList,
    RunResults,
    RunShowGrades,
    RunUnlock,
)
from judging.api.search.analyses.views import AnalysisDetail, AnalysisList, AnalysisResume, AnalysisStop
from judging.api.search.endpoints.trial_views import EndpointDraftTest, EndpointTest, MappingSuggestion
from judging.api.search.endpoints.views import EndpointDetail, EndpointList
from judging.api.search.lab.views import QueryLab
from judging.api.search.query_sets.views import (
    QuerySetDetail,
    QuerySetList,
    QuerySetSample,
    QuerySetUpload,
    SetQueryList,
)
from judging.api.search.query_templates.views import (
    QueryTemplateDetail,
    QueryTemplateList,
    QueryTemplateSetTest,
    QueryTemplateTest,
    QueryTemplateVersionList,
)
from judging.api.search.runs.views import (
    SearchEvidence,
    SearchList,
    SearchRunClone,
    SearchRunRemap,
    SearchRunResume,
    SearchRunStart,
    SearchRunStop,
)
from judging.api.team.views import AssignedQueryList, AssignmentDetail, OpenRunList
from judging.api.trust.certificate_views import CertificateDetail, CheckSampleCertificate
from judging.api.trust.comparison_views import ComparedQueryDetail, DecidingStart, RunComparisonDetail
from judging.api.trust.judging_run_comparison import JudgingRunComparisonDetail
from judging.api.trust.report_views import TrustDetail
from judging.api.trust.sample_views import (
    CheckSampleDetail,
    CheckSampleItems,
    CheckSampleList,
    CheckSampleNext,
    CheckSampleSkip,
)
from judging.api.trust.views import AgreementDetail
from judging.api.unknown import Unknown

urlpatterns = [
    path("me", Me.as_view()),
    path("me/open-runs", OpenRunList.as_view()),
    path("me/review-views", OwnViewList.as_view()),
    path("me/review-views/<uuid:view_id>", OwnViewDetail.as_view()),
    path("audit", AuditList.as_view()),
    path("members", MemberList.as_view()),
    path("members/<uuid:member_id>", MemberDetail.as_view()),
    path("invitations", InvitationList.as_view()),
    path("invitations/<uuid:invitation_id>", InvitationDetail.as_view()),
    path("tokens", TokenList.as_view()),
    path("tokens/<uuid:token_id>", TokenDetail.as_view()),
    path("corpora", CorpusList.as_view()),
    path("corpora/<uuid:corpus_id>", CorpusDetail.as_view()),
    path("endpoints", EndpointList.as_view()),
    path("endpoints/test", EndpointDraftTest.as_view()),
    path("endpoints/suggest-mapping", MappingSuggestion.as_view()),
    path("endpoints/<uuid:endpoint_id>", EndpointDetail.as_view()),
    path("endpoints/<uuid:endpoint_id>/test", EndpointTest.as_view()),
    path("usage", MonthlyUsageDetail.as_view()),
    path("search", Find.as_view()),
    path("evaluations", EvaluationList.as_view()),
    path("evaluations/<uuid:evaluation_id>", EvaluationDetail.as_view()),
    path("ai-providers", ProviderList.as_view()),
    path("ai-providers/<uuid:provider_id>", ProviderDetail.as_view()),
    path("ai-providers/<uuid:provider_id>/test", ProviderTest.as_view()),
    path("ai-judges", JudgeList.as_view()),
    path("ai-judges/templates", JudgeTemplateList.as_view()),
    path("ai-judges/<uuid:judge_id>", JudgeDetail.as_view()),
    path("ai-judges/<uuid:judge_id>/versions", JudgeVersionList.as_view()),
    path("ai-judges/<uuid:judge_id>/test", JudgeTest.as_view()),
    path("ai-judges/<uuid:judge_id>/probes", ProbeRunList.as_view()),
    path("probes/<uuid:probe_run_id>", ProbeRunDetail.as_view()),
    path("probes/<uuid:probe_run_id>/cancel", ProbeRunCancel.as_view()),
    path("golden-sets", GoldenSetList.as_view()),
    path("golden-sets/<uuid:golden_set_id>", GoldenSetDetail.as_view()),
    path("golden-sets/<uuid:golden_set_id>/checks", GoldenCheckList.as_view()),
    path("golden-checks/<uuid:check_id>", GoldenCheckDetail.as_view()),
    path("golden-checks/<uuid:check_id>/cancel", GoldenCheckCancel.as_view()),
    path("corpora/<uuid:corpus_id>/judgments/import", JudgmentImport.as_view()),
    path("evaluations/<uuid:evaluation_id>/runs", RunList.as_view()),
    path("evaluations/<uuid:evaluation_id>/runs/import", RunImport.as_view()),
    path("evaluations/runs/<uuid:run_id>", RunDetail.as_view()),
    path("evaluations/runs/<uuid:run_id>/compare/<uuid:other_run_id>", RunComparisonDetail.as_view()),
    path(
        "evaluations/runs/<uuid:run_id>/compare/<uuid:other_run_id>/queries/<str:query_key>",
        ComparedQueryDetail.as_view(),
    ),
    path("evaluations/runs/<uuid:run_id>/compare/<uuid:other_run_id>/ai-judge", DecidingStart.as_view()),
    path("evaluations/runs/<uuid:run_id>/results", RunResults.as_view()),
    path("evaluations/runs/<uuid:run_id>/show-grades", RunShowGrades.as_view()),
    path("evaluations/runs/<uuid:run_id>/lock", RunLock.as_view()),
    path("evaluations/runs/<uuid:run_id>/unlock", RunUnlock.as_view()),
    path("evaluations/runs/<uuid:run_id>/queries", RunQueryList.as_view()),
    path("evaluations/runs/<uuid:run_id>/tags", RunTags.as_view()),
    path("evaluations/runs/<uuid:run_id>/candidates", CandidateList.as_view()),
    path("evaluations/runs/<uuid:run_id>/assignments", AssignmentDetail.as_view()),
    path("evaluations/runs/<uuid:run_id>/assignments/queries", AssignedQueryList.as_view()),
    path("evaluations/runs/<uuid:run_id>/candidates/confirm", ConfirmMatching.as_view()),
    path("evaluations/runs/<uuid:run_id>/candidates/take-back", TakeBackConfirmed.as_view()),
    path("evaluations/runs/<uuid:run_id>/export", RunExport.as_view()),
    path("evaluations/runs/<uuid:run_id>/queries/export", QueryExport.as_view()),
    path("evaluations/runs/<uuid:run_id>/judgments/export", JudgmentExport.as_view()),
    path("evaluations/runs/<uuid:run_id>/start", SearchRunStart.as_view()),
    path("evaluations/runs/<uuid:run_id>/stop", SearchRunStop.as_view()),
    path("evaluations/runs/<uuid:run_id>/clone", SearchRunClone.as_view()),
    path("evaluations/runs/<uuid:run_id>/resume", SearchRunResume.as_view()),
    path("evaluations/runs/<uuid:run_id>/remap", SearchRunRemap.as_view()),
    path("evaluations/runs/<uuid:run_id>/searches", SearchList.as_view()),
    path("evaluations/runs/<uuid:run_id>/searches/<uuid:query_id>/exchange", SearchEvidence.as_view()),
    path("judgments", JudgmentList.as_view()),
    path("evaluations/runs/<uuid:run_id>/ai-judge", JudgingRunStart.as_view()),
    path("evaluations/runs/<uuid:run_id>/ai-judge/estimate", JudgingRunEstimate.as_view()),
    path("evaluations/runs/<uuid:run_id>/ai-judging-runs", JudgingRunList.as_view()),
    path("ai-judging-runs/<uuid:judging_run_id>", JudgingRunDetail.as_view()),
    path("ai-judging-runs/<uuid:judging_run_id>/export", JudgingRunExport.as_view()),
    path("ai-judging-runs/<uuid:judging_run_id>/items", JudgingItemList.as_view()),
    path("ai-judging-runs/<uuid:judging_run_id>/cancel", JudgingRunCancel.as_view()),
    path("ai-judging-runs/<uuid:judging_run_id>/make-current", JudgingRunMakeCurrent.as_view()),
    path("evaluations/runs/<uuid:run_id>/trust", TrustDetail.as_view()),
    path("judging-runs/compare", JudgingRunComparisonDetail.as_view()),
    path("agreement", AgreementDetail.as_view()),
    path("check-samples", CheckSampleList.as_view()),
    path("check-samples/<uuid:sample_id>", CheckSampleDetail.as_view()),
    path("check-samples/<uuid:sample_id>/next", CheckSampleNext.as_view()),
    path("check-samples/<uuid:sample_id>/skip", CheckSampleSkip.as_view()),
    path("check-samples/<uuid:sample_id>/items", CheckSampleItems.as_view()),
    path("check-samples/<uuid:sample_id>/certificate", CheckSampleCertificate.as_view()),
    path("certificates/<uuid:certificate_id>", CertificateDetail.as_view()),
    path("analysis", AnalysisList.as_view()),
    path("analysis/<uuid:analysis_id>", AnalysisDetail.as_view()),
    path("analysis/<uuid:analysis_id>/stop", AnalysisStop.as_view()),
    path("analysis/<uuid:analysis_id>/resume", AnalysisResume.as_view()),
    path("query-sets", QuerySetList.as_view()),
    path("query-sets/upload", QuerySetUpload.as_view()),
    path("query-sets/sample", QuerySetSample.as_view()),
    path("query-sets/<uuid:query_set_id>", QuerySetDetail.as_view()),
    path("query-sets/<uuid:query_set_id>/queries", SetQueryList.as_view()),
    path("query-lab", QueryLab.as_view()),
    path("query-templates", QueryTemplateList.as_view()),
    path("query-templates/test", QueryTemplateTest.as_view()),
    path("query-templates/test/<uuid:query_set_id>", QueryTemplateSetTest.as_view()),
    path("query-templates/<uuid:query_template_id>", QueryTemplateDetail.as_view()),
    path("query-templates/<uuid:query_template_id>/versions", QueryTemplateVersionList.as_view()),
    re_path(r"^.*$", Unknown.as_view()),
]
