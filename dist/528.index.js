export const id = 528;
export const ids = [528];
export const modules = {

/***/ 25528:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

__webpack_require__.r(__webpack_exports__);
/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   ECR: () => (/* reexport safe */ _aws_sdk_client_ecr__WEBPACK_IMPORTED_MODULE_0__.Tjd),
/* harmony export */   ECRPUBLIC: () => (/* reexport safe */ _aws_sdk_client_ecr_public__WEBPACK_IMPORTED_MODULE_1__.Uz),
/* harmony export */   STS: () => (/* reexport safe */ _aws_sdk_client_sts__WEBPACK_IMPORTED_MODULE_2__.$E),
/* harmony export */   defaultProvider: () => (/* reexport safe */ _aws_sdk_credential_provider_node__WEBPACK_IMPORTED_MODULE_3__.defaultProvider)
/* harmony export */ });
/* harmony import */ var _aws_sdk_client_ecr__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(28249);
/* harmony import */ var _aws_sdk_client_ecr_public__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(29821);
/* harmony import */ var _aws_sdk_client_sts__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(71695);
/* harmony import */ var _aws_sdk_credential_provider_node__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(5861);
/** What of the AWS SDK is used, in one piece that is loaded only by a run that meets AWS: it is a third of the action. */






/***/ })

};
