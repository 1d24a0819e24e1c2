// The container's health check: the page's own, asked from inside.
const port = process.env.PORT ?? 8080;
const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch((error) => ({ status: error.message }));
if (answer.status !== 200) {
  console.error(`not healthy: ${answer.status}`);
  process.exit(1);
}
