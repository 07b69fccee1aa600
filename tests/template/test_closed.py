"""Nothing is open that should be closed: what the emulator does not enforce, read off the template
as it would be deployed."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

import pytest

from debate_analyzer.api.routes import ROUTES, Route
from debate_analyzer.api.visitor import ADDRESS_HEADER, PROOF_HEADER
from tests.template.attempts import KEYS
from tests.template.calls import Right, decision
from tests.template.templates import ACCOUNT, REGION, Resolved, resolve

ELSEWHERE = "https://news.example.org"
SITE = {"Site": "true"}
NO_SITE = {"Site": "false", "AllowedOrigins": ELSEWHERE}
S3 = f"s3.{REGION}.amazonaws.com"


@functools.cache
def _stack(choice: tuple[tuple[str, str], ...]) -> Resolved:
    return resolve(parameters=dict(choice))


def stack(**parameters: str) -> Resolved:
    return _stack(tuple(sorted(parameters.items())))


def everything(within: Resolved, kind: str) -> Iterator[Any]:
    """The properties of all resources of a type, in the nested stacks, too."""
    yield from within.of_type(kind).values()
    for nested in within.nested.values():
        yield from everything(nested, kind)


def listed(node: Any) -> list[Any]:
    return node if isinstance(node, list) else [node]


# --- CORS -----------------------------------------------------------------------------------------


def cors(within: Resolved) -> Any:
    [rule] = within.of_type("AWS::S3::Bucket")["Bucket"]["CorsConfiguration"]["CorsRules"]
    return rule


@pytest.mark.parametrize(
    ("parameters", "others"),
    [
        (SITE, []),
        (
            SITE | {"AllowedOrigins": f"{ELSEWHERE},https://b.example.org"},
            [ELSEWHERE, "https://b.example.org"],
        ),
        (NO_SITE, [ELSEWHERE]),
    ],
)
def test_pages_that_may_upload_are_named(parameters: dict[str, str], others: list[str]) -> None:
    within = stack(**parameters)
    own = [within.nested["SiteStack"].outputs["Origin"]] if parameters["Site"] == "true" else []
    assert sorted(cors(within)["AllowedOrigins"]) == sorted([*own, *others])


def test_a_page_may_send_and_read_what_uploads_and_players_need() -> None:
    rule = cors(stack())
    # The headers of UploadTarget and of a recording's chunk, and a player's; `connect-src` of the
    # page says the rest.
    headers = {"content-type", "if-none-match", "range", "x-amz-meta-*"}
    assert set(rule["AllowedHeaders"]) == headers
    assert set(rule["AllowedMethods"]) == {"GET", "HEAD", "PUT"}
    assert "ETag" in rule["ExposedHeaders"]


def test_the_site_s_own_domain_may_upload() -> None:
    arn = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/1"
    within = stack(DomainName="debates.example.org", CertificateArn=arn)
    assert cors(within)["AllowedOrigins"] == ["https://debates.example.org"]


def test_the_api_answers_other_origins_only_when_they_are_named() -> None:
    """The site is the API's own origin."""
    assert "CorsConfiguration" not in stack().of_type("AWS::ApiGatewayV2::Api")["HttpApi"]
    named = stack(AllowedOrigins=ELSEWHERE).of_type("AWS::ApiGatewayV2::Api")["HttpApi"]
    assert named["CorsConfiguration"]["AllowOrigins"] == [ELSEWHERE]
    headers = {"authorization", "content-type", "idempotency-key"}
    assert set(named["CorsConfiguration"]["AllowHeaders"]) == headers
    assert named["CorsConfiguration"]["ExposeHeaders"] == ["retry-after"]
    assert not named["CorsConfiguration"].get("AllowCredentials", False)


# --- Buckets --------------------------------------------------------------------------------------


def policies(within: Resolved, kind: str, of: str) -> dict[str, Any]:
    """The one policy of each bucket or queue, by what Ref gives of it."""
    found: dict[str, Any] = {}
    for properties in within.of_type(kind).values():
        for target in listed(properties[of]):
            assert target not in found, "the last policy that is written wins"
            found[target] = properties["PolicyDocument"]
    return found


@pytest.mark.parametrize("parameters", [SITE, NO_SITE, {"AccessLogs": "false"}])
def test_nobody_reaches_a_bucket_or_a_queue_without_tls(parameters: dict[str, str]) -> None:
    within = stack(**parameters)
    seen = 0
    for kind, of, action in (
        ("S3::Bucket", "Bucket", "s3:GetObject"),
        ("SQS::Queue", "Queues", "sqs:SendMessage"),
    ):
        by_target = policies(within, f"AWS::{kind}Policy", of)
        for name in within.of_type(f"AWS::{kind}"):
            document = by_target[within.ref(name)]
            refusals = [s for s in document["Statement"] if s["Effect"] == "Deny"]
            assert [refusal["Principal"] for refusal in refusals] == ["*"]
            arn = within.arn(name)
            for resource in (arn, f"{arn}/{KEYS['index']}") if "s3" in action else (arn,):
                right = Right(action, resource)
                assert decision([{"Statement": refusals}], right, tls=False) == "Deny"
                assert decision([{"Statement": refusals}], right, tls=True) == "ImplicitDeny"
                seen += 1
    assert seen > 10


@pytest.mark.parametrize("parameters", [SITE, NO_SITE])
def test_buckets_are_private_encrypted_and_their_owner_s(parameters: dict[str, str]) -> None:
    for bucket in everything(stack(**parameters), "AWS::S3::Bucket"):
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert len(bucket["PublicAccessBlockConfiguration"]) == 4
        assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


@pytest.mark.parametrize("given_key", ["create", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"])
def test_recordings_are_encrypted_with_the_key_that_is_wanted(given_key: str) -> None:
    within = stack(EncryptionKey=given_key)
    [rule] = within.of_type("AWS::S3::Bucket")["Bucket"]["BucketEncryption"][
        "ServerSideEncryptionConfiguration"
    ]
    wanted = within.arn("Key") if given_key == "create" else given_key
    assert rule["ServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": wanted,
    }
    assert rule["BucketKeyEnabled"] is True
    [database] = everything(within, "AWS::RDS::DBInstance")
    assert database["KmsKeyId"] == wanted


def outsiders(document: Any) -> list[Any]:
    """The statements that let in somebody whom the roles do not speak of."""
    return [statement for statement in document["Statement"] if statement["Effect"] == "Allow"]


def test_cloudfront_reads_what_is_public_and_no_other_distribution_does() -> None:
    within = stack()
    document = policies(within, "AWS::S3::BucketPolicy", "Bucket")[within.ref("Bucket")]
    site = within.nested["SiteStack"]
    distribution = site.arn("Distribution")
    assert {s["Principal"]["Service"] for s in outsiders(document)} == {"cloudfront.amazonaws.com"}

    def may(action: str, key: str, by: str = distribution) -> bool:
        resource = within.arn("Bucket") + (f"/{key}" if key else "")
        right = Right(action, resource, (("aws:SourceArn", by),))
        return decision([document], right) == "Allow"

    public = {
        *("statistics", "index", "chapter of the index", "page of the index"),
        *("summary", "schema", "page of the site"),
    }
    for kind, key in KEYS.items():
        assert may("s3:GetObject", key) is (kind in public), kind
        assert not may("s3:GetObject", key, by=distribution + "2")
        assert not may("s3:PutObject", key)
    assert not may("s3:PutBucketPolicy", "")


def test_without_a_site_nobody_but_the_roles_reads_the_bucket() -> None:
    within = stack(**NO_SITE)
    document = policies(within, "AWS::S3::BucketPolicy", "Bucket")[within.ref("Bucket")]
    assert outsiders(document) == []
    assert list(everything(within, "AWS::CloudFront::Distribution")) == []


def test_only_s3_s_log_delivery_writes_to_the_bucket_of_logs() -> None:
    within = stack()
    document = policies(within, "AWS::S3::BucketPolicy", "Bucket")[within.ref("AccessLogsBucket")]
    [statement] = outsiders(document)
    assert statement["Principal"] == {"Service": "logging.s3.amazonaws.com"}
    logging = within.of_type("AWS::S3::Bucket")["Bucket"]["LoggingConfiguration"]
    assert logging["DestinationBucketName"] == within.ref("AccessLogsBucket")
    log = f"{within.arn('AccessLogsBucket')}/{logging['LogFilePrefix']}2026-11-21"

    def may(source: str, account: str) -> bool:
        keys = (("aws:SourceArn", source), ("aws:SourceAccount", account))
        return decision([document], Right("s3:PutObject", log, keys)) == "Allow"

    assert may(within.arn("Bucket"), ACCOUNT)
    assert not may("arn:aws:s3:::another", ACCOUNT)
    assert not may(within.arn("Bucket"), "210987654321")


@pytest.mark.parametrize("name", ["", "debates-of-ours"])
def test_s3_tells_of_arrivals_from_this_bucket_alone(name: str) -> None:
    within = stack(BucketName=name)
    by_queue = policies(within, "AWS::SQS::QueuePolicy", "Queues")
    for queue in ("TranscribeArrivalsQueue", "StatsArrivalsQueue"):
        document = by_queue[within.ref(queue)]

        def may(source: str, document: Any = document, queue: str = queue) -> bool:
            keys = (("aws:SourceArn", source), ("aws:SourceAccount", ACCOUNT))
            right = Right("sqs:SendMessage", within.arn(queue), keys)
            return decision([document], right) == "Allow"

        assert may(within.arn("Bucket"))
        assert not may(within.arn("Bucket") + "-two")
        assert not may("arn:aws:s3:::another")


# --- Key ------------------------------------------------------------------------------------------


def test_the_key_serves_this_account_and_its_distributions() -> None:
    within = stack(EncryptionKey="create")
    [key] = within.of_type("AWS::KMS::Key").values()
    assert key["EnableKeyRotation"] is True
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    statements = key["KeyPolicy"]["Statement"]
    others = [s for s in statements if s["Principal"] != root]

    def may(action: str, **keys: str) -> bool:
        context = tuple((name.replace("_", ":"), value) for name, value in keys.items())
        return decision([{"Statement": others}], Right(action, "*", context)) == "Allow"

    # CloudFront decrypts for distributions of this account (their ARN would be a circle).
    assert may("kms:Decrypt", aws_SourceAccount=ACCOUNT)
    assert not may("kms:Decrypt", aws_SourceAccount="210987654321")
    assert not may("kms:Decrypt")
    assert not may("kms:Encrypt", aws_SourceAccount=ACCOUNT)
    # Nobody of another account, whatever service stands between.
    assert not may("kms:Decrypt", kms_CallerAccount="210987654321", kms_ViaService=S3)
    for action in ("kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:CreateGrant"):
        assert not may(action, aws_SourceAccount=ACCOUNT, kms_CallerAccount=ACCOUNT)


# --- The site -------------------------------------------------------------------------------------


def distribution(**parameters: str) -> Any:
    [found] = everything(stack(**parameters), "AWS::CloudFront::Distribution")
    return found["DistributionConfig"]


def behaviours(config: Any) -> dict[str, Any]:
    others = {each["PathPattern"]: each for each in config["CacheBehaviors"]}
    return {"*": config["DefaultCacheBehavior"], **others}


def test_cloudfront_signs_what_it_asks_the_bucket_for() -> None:
    site = stack().nested["SiteStack"]
    [control] = site.of_type("AWS::CloudFront::OriginAccessControl").values()
    signing = control["OriginAccessControlConfig"]
    assert (signing["SigningBehavior"], signing["SigningProtocol"]) == ("always", "sigv4")
    assert signing["OriginAccessControlOriginType"] == "s3"
    of_bucket = [o for o in distribution()["Origins"] if "S3OriginConfig" in o]
    assert {origin["OriginPath"] for origin in of_bucket if "OriginPath" in origin} == {"/website"}
    for origin in of_bucket:
        assert origin["OriginAccessControlId"] == site.attribute("OriginAccessControl", "Id")
        assert origin["S3OriginConfig"] == {"OriginAccessIdentity": ""}
    [api] = [o for o in distribution()["Origins"] if "CustomOriginConfig" in o]
    assert api["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"


def test_the_site_vouches_for_its_visitors_addresses() -> None:
    """Both headers are written over whatever a visitor sends, on the way to the API alone."""
    site = stack().nested["SiteStack"]
    [function] = site.of_type("AWS::CloudFront::Function").values()
    assert function["AutoPublish"] is True
    assert f'headers["{ADDRESS_HEADER}"] = {{ value: event.viewer.ip }}' in function["FunctionCode"]
    each_path = behaviours(distribution()).items()
    associated = {path: each.get("FunctionAssociations") for path, each in each_path}
    arn = site.attribute("ViewerAddress", "FunctionMetadata.FunctionARN")
    assert {path: each for path, each in associated.items() if each} == {
        "/api/*": [{"EventType": "viewer-request", "FunctionARN": arn}]
    }
    proof = f"{{{{resolve:secretsmanager:{stack().ref('OriginProof')}}}}}"
    headers = {o["Id"]: o.get("OriginCustomHeaders") for o in distribution()["Origins"]}
    assert {origin: each for origin, each in headers.items() if each} == {
        "api": [{"HeaderName": PROOF_HEADER, "HeaderValue": proof}]
    }
    variables = stack().of_type("AWS::Lambda::Function")["ApiFunction"]["Environment"]["Variables"]
    assert variables["ORIGIN_PROOF_SECRET_ARN"] == stack().ref("OriginProof")


def test_browsers_speak_tls_and_are_told_to() -> None:
    for behaviour in behaviours(distribution()).values():
        assert behaviour["ViewerProtocolPolicy"] in ("https-only", "redirect-to-https")
        assert "SecurityHeaders" in behaviour["ResponseHeadersPolicyId"]
    arn = f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/1"
    own = distribution(DomainName="debates.example.org", CertificateArn=arn)
    assert own["Aliases"] == ["debates.example.org"]
    assert own["ViewerCertificate"]["MinimumProtocolVersion"].startswith("TLSv1.2")
    [headers] = everything(stack(), "AWS::CloudFront::ResponseHeadersPolicy")
    security = headers["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    assert security["StrictTransportSecurity"]["AccessControlMaxAgeSec"] >= 31_536_000
    assert security["FrameOptions"]["FrameOption"] == "DENY"
    assert security["ContentTypeOptions"]["Override"] is True
    assert "default-src 'none'" in security["ContentSecurityPolicy"]["ContentSecurityPolicy"]


def test_statistics_are_read_by_everybody_or_with_signed_cookies() -> None:
    def key_groups(**parameters: str) -> dict[str, Any]:
        found = behaviours(distribution(**parameters))
        return {path: each.get("TrustedKeyGroups") for path, each in found.items()}

    assert set(key_groups().values()) == {None}
    private = key_groups(StatisticsKeyGroup="readers")
    assert {path: groups for path, groups in private.items() if groups} == {
        "/statistics/*": ["readers"]
    }


def test_a_firewall_stands_where_one_is_given() -> None:
    acl = f"arn:aws:wafv2:us-east-1:{ACCOUNT}:global/webacl/debates/1"
    assert distribution(WebAclArn=acl)["WebACLId"] == acl
    assert "WebACLId" not in distribution()


def test_answers_of_the_api_are_not_kept() -> None:
    caching_disabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    assert behaviours(distribution())["/api/*"]["CachePolicyId"] == caching_disabled


# --- API, machines, database ----------------------------------------------------------------------


@pytest.mark.parametrize("issuer", ["", "https://id.example.org"])
def test_only_what_is_public_answers_without_a_token(issuer: str) -> None:
    within = stack(JwtIssuer=issuer, JwtAudience="debates")
    unguarded = []
    for route in within.of_type("AWS::ApiGatewayV2::Route").values():
        if route["AuthorizationType"] == "NONE":
            unguarded.append(route["RouteKey"])
        else:
            assert route["AuthorizationType"] == "JWT"
            assert route["AuthorizerId"] == within.ref("ApiAuthorizer")
    public = {f"{route.method} {route.path}" for route in ROUTES if route.public}
    found = {
        f"{route.method} {route.path}"
        for route in ROUTES
        if any(_takes(key, route) for key in unguarded)
    }
    assert found == public
    token = within.of_type("AWS::ApiGatewayV2::Authorizer")["ApiAuthorizer"]["JwtConfiguration"]
    if issuer:
        assert token == {"Issuer": issuer, "Audience": ["debates"]}
    else:
        assert token["Issuer"].startswith(f"https://cognito-idp.{REGION}.amazonaws.com/")
        assert token["Audience"] == [within.ref("UserPoolClient")]


def page_policy(within: Resolved) -> Any:
    """The sources that the page may connect to, beside its own and the bucket."""
    headers = within.nested["SiteStack"].of_type("AWS::CloudFront::ResponseHeadersPolicy")
    config = headers["SecurityHeaders"]["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    policy = config["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    (connect,) = [rule.split() for rule in policy.split(";") if "connect-src" in rule]
    assert connect[:2] == ["connect-src", "'self'"]
    assert connect[2].endswith(".s3.us-east-1.amazonaws.com")
    return connect[3:]


def test_the_page_signs_people_in_at_the_stack_s_own_pool() -> None:
    within = stack()
    site = within.nested["SiteStack"].outputs["Origin"]
    client = within.of_type("AWS::Cognito::UserPoolClient")["UserPoolClient"]
    assert client["CallbackURLs"] == client["LogoutURLs"] == [f"{site}/"]
    assert client["AllowedOAuthFlows"] == ["code"]
    assert client["AllowedOAuthScopes"] == ["openid", "email", "profile"]
    assert client["GenerateSecret"] is False
    domain = within.of_type("AWS::Cognito::UserPoolDomain")["UserPoolDomain"]["Domain"]
    assert page_policy(within) == [
        f"https://cognito-idp.{REGION}.amazonaws.com",
        f"https://{domain}.auth.{REGION}.amazoncognito.com",
    ]
    assert within.outputs["SignInIssuer"].startswith(page_policy(within)[0])
    assert within.outputs["SignInClientId"] == within.ref("UserPoolClient")


@pytest.mark.parametrize(
    ("elsewhere", "origins"),
    [
        ({}, ["https://id.example.org"]),
        (
            {"SignInTokenOrigin": "https://tokens.example.org"},
            ["https://id.example.org", "https://tokens.example.org"],
        ),
    ],
)
def test_the_page_signs_people_in_at_another_issuer(
    elsewhere: dict[str, str], origins: list[str]
) -> None:
    issuer = "https://id.example.org/realms/debates"
    within = stack(JwtIssuer=issuer, JwtAudience="api", SignInClientId="web", **elsewhere)
    assert page_policy(within) == origins
    assert within.outputs["SignInIssuer"] == issuer
    assert within.outputs["SignInClientId"] == "web"


@pytest.mark.parametrize(
    "given",
    [
        {"Access": "anonymous"},
        {"JwtIssuer": "https://id.example.org", "JwtAudience": "debates"},
        NO_SITE,
    ],
)
def test_no_page_signs_in_where_nobody_does_or_there_is_no_client(given: dict[str, str]) -> None:
    within = stack(**given)
    assert "SignInClientId" not in within.outputs
    assert "AWS::Cognito::UserPoolDomain" not in {r["Type"] for r in within.resources.values()}
    if "SiteStack" in within.nested:
        assert page_policy(within) == []
    for client in within.of_type("AWS::Cognito::UserPoolClient").values():
        assert client["AllowedOAuthFlowsUserPoolClient"] is False


def _takes(key: str, route: Route) -> bool:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html"""
    method, path = key.split()
    pattern = re.escape(path).replace(re.escape("{proxy+}"), ".+")
    return method in ("ANY", route.method) and re.fullmatch(pattern, route.path) is not None


def test_only_this_api_and_these_rules_invoke_a_function() -> None:
    for permission in stack().of_type("AWS::Lambda::Permission").values():
        assert permission["Principal"] in ("apigateway.amazonaws.com", "events.amazonaws.com")
        assert permission["SourceArn"].startswith("arn:aws:")
        assert "*" not in permission["SourceArn"].removesuffix("/*")


def test_nothing_comes_in_from_the_network() -> None:
    groups = list(everything(stack(), "AWS::EC2::SecurityGroup"))
    assert len(groups) == 2
    for group in groups:
        assert "SecurityGroupIngress" not in group
        assert group["SecurityGroupEgress"]  # without one, AWS opens the way to everywhere
    assert list(everything(stack(), "AWS::EC2::SecurityGroupIngress")) == []


def test_the_database_is_in_subnets_without_a_way_out() -> None:
    network = stack().nested["NetworkStack"]
    with_a_route = {each["RouteTableId"] for each in network.of_type("AWS::EC2::Route").values()}
    tables = {
        each["SubnetId"]: each["RouteTableId"]
        for each in network.of_type("AWS::EC2::SubnetRouteTableAssociation").values()
    }
    [subnets] = everything(stack(), "AWS::RDS::DBSubnetGroup")
    used = [subnet for each in subnets["SubnetIds"] for subnet in each.split(",")]
    assert len(used) > 1
    assert {tables[subnet] for subnet in used} & with_a_route == set()


def test_the_database_is_private_encrypted_and_its_password_nobody_s() -> None:
    [database] = everything(stack(), "AWS::RDS::DBInstance")
    assert database["PubliclyAccessible"] is False
    assert database["StorageEncrypted"] is True
    assert database["ManageMasterUserPassword"] is True
    assert "MasterUserPassword" not in database


def test_hosts_of_workers_have_encrypted_disks_and_ask_for_session_tokens() -> None:
    [template] = everything(stack(), "AWS::EC2::LaunchTemplate")
    data = template["LaunchTemplateData"]
    assert data["MetadataOptions"]["HttpTokens"] == "required"
    assert all(disk["Ebs"]["Encrypted"] for disk in data["BlockDeviceMappings"])


def test_no_secret_stands_in_an_environment() -> None:
    within = stack(YoutubeCookiesSecret="create")
    assert within.of_type("AWS::Batch::JobDefinition")["TranscribeJobDefinition"][
        "ContainerProperties"
    ]["Secrets"] == [{"Name": "HF_TOKEN", "ValueFrom": within.ref("HfToken")}]
    for secret in within.of_type("AWS::SecretsManager::Secret").values():
        assert secret.get("SecretString") == "unset" or "GenerateSecretString" in secret


# --- What is deleted ------------------------------------------------------------------------------


def test_what_is_deleted_is_no_earlier_version_for_ever() -> None:
    """Of whatever some role may delete, where versions are kept."""
    within = stack(StatisticsVersionDays="30")
    bucket = within.of_type("AWS::S3::Bucket")["Bucket"]
    expiring = [
        rule["Prefix"]
        for rule in bucket["LifecycleConfiguration"]["Rules"]
        if "NoncurrentVersionExpiration" in rule
    ]
    deletable = {
        resource.removeprefix(f"{within.arn('Bucket')}/")
        for role in within.of_type("AWS::IAM::Role").values()
        for policy in role.get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
        if "s3:DeleteObject" in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }
    assert len(deletable) > 3
    assert [key for key in deletable if not key.startswith(tuple(expiring))] == []
