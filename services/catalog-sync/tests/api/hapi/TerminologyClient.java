import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.parser.StrictErrorHandler;
import ca.uhn.fhir.rest.api.EncodingEnum;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.client.api.ServerValidationModeEnum;
import ca.uhn.fhir.rest.client.interceptor.BearerTokenAuthInterceptor;
import ca.uhn.fhir.rest.gclient.StringClientParam;
import ca.uhn.fhir.rest.server.exceptions.AuthenticationException;
import ca.uhn.fhir.rest.server.exceptions.BaseServerResponseException;
import ca.uhn.fhir.rest.server.exceptions.InvalidRequestException;
import ca.uhn.fhir.rest.server.exceptions.ResourceNotFoundException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.hl7.fhir.r4.model.*;

/**
 * Asks a FHIR terminology service what it is for, through HAPI's generic client with a strict parser.
 * Arguments: base address, bearer token, KVÅ codes that must lead to one care service. Prints a line a check.
 */
public class TerminologyClient {
    static final String KVA = "http://electronichealth.se/id/kva";
    static int checks = 0;

    public static void main(String[] arguments) {
        FhirContext context = FhirContext.forR4();
        context.setParserErrorHandler(new StrictErrorHandler());
        context.getRestfulClientFactory().setServerValidationMode(ServerValidationModeEnum.ONCE);
        List<String> codes = Arrays.asList(arguments).subList(2, arguments.length);
        IGenericClient client = context.newRestfulGenericClient(arguments[0]);
        IGenericClient stranger = context.newRestfulGenericClient(arguments[0]);
        client.registerInterceptor(new BearerTokenAuthInterceptor(arguments[1]));

        CapabilityStatement statement = stranger.capabilities().ofType(CapabilityStatement.class).execute();
        check("metadata is open to all", statement.getRestFirstRep().getResource().size() == 3);

        Bundle found = client.search().forResource(CodeSystem.class).where(CodeSystem.URL.matches().value(KVA))
            .returnBundle(Bundle.class).execute();
        check("a code system is found by its address", found.getTotal() == 1);
        CodeSystem kva = client.read().resource(CodeSystem.class).withId("kva").execute();
        check("and read by its id", kva.getConcept().size() == kva.getCount() && kva.getUrl().equals(KVA));
        Bundle posted = client.search().forResource(ValueSet.class).usingStyle(ca.uhn.fhir.rest.api.SearchStyleEnum.POST)
            .count(2).returnBundle(Bundle.class).execute();
        check("a search is paged", posted.getEntry().size() == 2 && posted.getLink("next") != null);

        Parameters one = new Parameters().addParameter("system", new UriType(KVA)).addParameter("code", new CodeType("CJE20"));
        for (boolean get : new boolean[] {true, false}) {
            var asked = client.operation().onType(CodeSystem.class).named("$lookup").withParameters(one);
            Parameters told = (get ? asked.useHttpGet() : asked).execute();
            check("$lookup by " + (get ? "GET" : "POST"), text(told, "display").startsWith("Fakoemulsifikation"));
        }
        Parameters coded = new Parameters().addParameter("url", new UriType(KVA)).addParameter("coding", new Coding(KVA, "CJE20", null));
        Parameters valid = client.operation().onType(CodeSystem.class).named("$validate-code").withParameters(coded).execute();
        check("$validate-code of a coding", valid.getParameterBool("result"));
        Parameters inArea = client.operation().onInstance(new IdType("ValueSet", "care-area-katarakt")).named("$validate-code")
            .withParameters(one).execute();
        check("$validate-code in a value set", inArea.getParameterBool("result"));

        Parameters filter = new Parameters().addParameter("filter", "grå starr").addParameter("count", new IntegerType(5))
            .addParameter("url", new UriType(KVA + "?fhir_vs"));
        for (boolean get : new boolean[] {true, false}) {
            var asked = client.operation().onType(ValueSet.class).named("$expand").withParameters(filter).returnResourceType(ValueSet.class);
            ValueSet expanded = (get ? asked.useHttpGet() : asked).execute();
            check("$expand with a filter by " + (get ? "GET" : "POST"),
                expanded.getExpansion().getContains().size() == 5 && expanded.getExpansion().getTotal() > 5);
        }

        List<String> targets = codes.stream().map(code -> translated(client, code)).distinct().collect(Collectors.toList());
        check("$translate of " + codes.size() + " codes leads to " + targets, targets.size() == 1);

        Parameters unknown = new Parameters().addParameter("system", new UriType(KVA)).addParameter("code", new CodeType("CJE02"));
        refused("an unknown code", ResourceNotFoundException.class, "not-found",
            () -> client.operation().onType(CodeSystem.class).named("$lookup").withParameters(unknown).execute());
        refused("an unknown parameter", InvalidRequestException.class, "invalid",
            () -> client.operation().onType(CodeSystem.class).named("$lookup")
                .withParameter(Parameters.class, "foo", new StringType("1")).execute());
        refused("an unknown filter", InvalidRequestException.class, "invalid",
            () -> client.search().forResource(CodeSystem.class).where(new StringClientParam("foo").matches().value("1")).execute());
        refused("a caller without a token", AuthenticationException.class, "login",
            () -> stranger.read().resource(CodeSystem.class).withId("kva").encoded(EncodingEnum.JSON).execute());
        System.out.println(checks + " checks");
    }

    static String translated(IGenericClient client, String code) {
        Parameters asked = new Parameters().addParameter("coding", new Coding(KVA, code, null));
        Parameters told = client.operation().onType(ConceptMap.class).named("$translate").withParameters(asked).execute();
        if (!told.getParameterBool("result")) {
            return code + " leads nowhere";
        }
        return told.getParameter("match").getPart().stream().filter(part -> part.getName().equals("concept"))
            .map(part -> ((Coding) part.getValue()).getCode()).collect(Collectors.joining(","));
    }

    static String text(Parameters told, String name) {
        return told.getParameter(name).getValue().primitiveValue();
    }

    static void refused(String what, Class<? extends BaseServerResponseException> as, String code, Runnable call) {
        try {
            call.run();
        } catch (BaseServerResponseException error) {
            OperationOutcome outcome = (OperationOutcome) error.getOperationOutcome();
            check(what + " is refused as " + code, as.isInstance(error) && outcome != null
                && outcome.getIssueFirstRep().getCode().toCode().equals(code));
            return;
        }
        check(what + " is refused", false);
    }

    static void check(String what, boolean holds) {
        if (!holds) {
            System.out.println("FAILED: " + what);
            System.exit(1);
        }
        checks++;
        System.out.println("ok: " + what);
    }
}
