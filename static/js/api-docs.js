// Shows the OpenAPI description. In a file of its own: the content security policy allows no inline script.
"use strict";

const target = document.getElementById("swagger-ui");

window.SwaggerUIBundle({
  url: target.dataset.schemaUrl,
  domNode: target,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  docExpansion: "list",
  persistAuthorization: false,
  validatorUrl: null,
  requestInterceptor(request) {
    // Signed-in users can try requests with the browser's session.
    const cookie = document.cookie.split("; ").find((part) => part.startsWith("csrftoken="));
    if (cookie && !request.headers.Authorization) {
      request.headers["X-CSRFToken"] = cookie.slice("csrftoken=".length);
    }
    return request;
  },
});
